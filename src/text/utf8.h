// SPDX-License-Identifier: MIT
// UTF-8 decoding with one replacement rule for the whole program (chat.md 1): every maximal ill-formed part,
// that is the longest prefix of some character or else one byte, reads as one U+FFFD.
//
// Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;
inline constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

enum class Utf8Kind : uint8_t {
  kCharacter,   // a whole character
  kIllFormed,   // can never become one
  kUnfinished,  // the bytes end inside a character: more bytes may still complete it
};

struct Utf8Step {
  char32_t code_point;  // kReplacementCharacter unless kind is kCharacter
  uint8_t length;       // bytes of the character or of the maximal ill-formed part, at least 1
  Utf8Kind kind;
};

// The first character of `bytes`, which must not be empty.
Utf8Step decode_utf8(std::string_view bytes) noexcept;

// The length of the longest well-formed prefix that consists of whole characters.
size_t well_formed_prefix(std::string_view bytes) noexcept;
inline bool is_well_formed_utf8(std::string_view bytes) noexcept {
  return well_formed_prefix(bytes) == bytes.size();
}

// Appends a Unicode scalar value.
void append_utf8(std::string& out, char32_t code_point);

// Appends `bytes` with every maximal ill-formed part replaced by U+FFFD.
void append_well_formed(std::string& out, std::string_view bytes);
std::string to_well_formed(std::string_view bytes);

// The character at `p` of text that is known to be well-formed and has it whole. Sets its length.
inline char32_t decode_well_formed(const char* p, size_t& length) noexcept {
  const auto byte = [p](int i) { return static_cast<char32_t>(static_cast<uint8_t>(p[i])); };
  const char32_t lead = byte(0);
  if (lead < 0x80) {
    length = 1;
    return lead;
  }
  if (lead < 0xE0) {
    length = 2;
    return (lead & 0x1F) << 6 | (byte(1) & 0x3F);
  }
  if (lead < 0xF0) {
    length = 3;
    return (lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  }
  length = 4;
  return (lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
}

}  // namespace fathom
