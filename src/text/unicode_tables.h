// SPDX-License-Identifier: MIT
// The character classes the pre-tokenizer asks for (chat.md 1): General_Category L, M, N, P, S and
// White_Space of Unicode 16.0. Unassigned, Cc, Cf, Co and Cs are in none of the first five. Pure data, any
// thread.
#pragma once

#include <cstdint>

namespace fathom {

// A class is a set of these bits; the first five exclude each other.
inline constexpr uint8_t kLetter = 1;
inline constexpr uint8_t kMark = 2;
inline constexpr uint8_t kNumber = 4;
inline constexpr uint8_t kPunctuation = 8;
inline constexpr uint8_t kSymbol = 16;
inline constexpr uint8_t kWhiteSpace = 32;

// Two stages, written by tools/generate_unicode_tables.py: 128 code points share a block, equal blocks are
// one.
extern const uint8_t kUnicodeBlockOf[0x110000 / 128];
extern const uint8_t kUnicodeBlocks[];

// Requires code_point <= U+10FFFF.
inline uint8_t unicode_class(char32_t code_point) noexcept {
  return kUnicodeBlocks[kUnicodeBlockOf[code_point >> 7] << 7 | (code_point & 127)];
}

}  // namespace fathom
