// SPDX-License-Identifier: MIT
#include "text/stream_decoder.h"

#include <utility>

#include "text/utf8.h"

namespace fathom {
namespace {

// ED A0 to ED BF begin a surrogate, which UTF-8 has not. They can never become a character, but the decoder
// that the ecosystem streams with (Python's) waits for the third byte of one all the same; the fixtures have
// it so.
bool is_half_surrogate(std::string_view bytes) noexcept {
  return bytes.size() == 2 && bytes[0] == '\xED' && static_cast<uint8_t>(bytes[1]) >= 0xA0 &&
         static_cast<uint8_t>(bytes[1]) <= 0xBF;
}

}  // namespace

std::string StreamDecoder::push(std::string_view token_bytes) {
  pending_.append(token_bytes);
  std::string_view rest = pending_;
  std::string out;
  while (!rest.empty()) {
    const size_t good = well_formed_prefix(rest);
    out.append(rest.substr(0, good));
    rest.remove_prefix(good);
    if (rest.empty()) break;
    const Utf8Step step = decode_utf8(rest);
    if (step.kind == Utf8Kind::kUnfinished || is_half_surrogate(rest)) break;
    out.append(kReplacementUtf8);
    rest.remove_prefix(step.length);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return out;
}

std::string StreamDecoder::flush() { return to_well_formed(std::exchange(pending_, {})); }

}  // namespace fathom
