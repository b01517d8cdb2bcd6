// SPDX-License-Identifier: MIT
#include "apps/terminal_text.h"

#include "text/utf8.h"

namespace fathom {
namespace {

constexpr char32_t kControlPictures = 0x2400;  // U+2400 + c is the picture of control character c
constexpr char32_t kDeletePicture = 0x2421;

char32_t visible(char32_t c) noexcept {
  if (c == '\n' || c == '\t') return c;
  if (c < 0x20) return kControlPictures + c;
  if (c == 0x7F) return kDeletePicture;
  if (c >= 0x80 && c < 0xA0) return kReplacementCharacter;
  return c;
}

}  // namespace

std::string visible_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = decode_utf8(text);
    append_utf8(out, visible(step.code_point));
    text.remove_prefix(step.length);
  }
  return out;
}

}  // namespace fathom
