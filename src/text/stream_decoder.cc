// SPDX-License-Identifier: MIT
#include "text/stream_decoder.h"

#include <utility>

#include "text/utf8.h"

namespace fathom {

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
    if (step.kind == Utf8Kind::kUnfinished) break;
    out.append(kReplacementUtf8);
    rest.remove_prefix(step.length);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return out;
}

std::string StreamDecoder::flush() {
  // What is pending is a proper prefix of one character: one maximal ill-formed part.
  const bool unfinished = !pending_.empty();
  pending_.clear();
  return unfinished ? std::string(kReplacementUtf8) : std::string();
}

}  // namespace fathom
