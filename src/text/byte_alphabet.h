// SPDX-License-Identifier: MIT
// The byte-level alphabet of tokenizer.json (chat.md 1): each byte is written as one character, a printable
// one as itself, the others as the characters from U+0100 on. Pure, constexpr.
#pragma once

#include <array>
#include <cstdint>

namespace fathom {

inline constexpr int kByteAlphabetEnd = 0x100 + 68;

struct ByteAlphabet {
  std::array<int16_t, kByteAlphabetEnd> byte_of;  // [code point] -1: not of the alphabet
  std::array<char32_t, 256> character_of;
};

constexpr ByteAlphabet make_byte_alphabet() {
  ByteAlphabet alphabet{};
  alphabet.byte_of.fill(-1);
  int shifted = 0x100;
  for (int16_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    const int character = printable ? byte : shifted++;
    alphabet.byte_of[character] = byte;
    alphabet.character_of[byte] = static_cast<char32_t>(character);
  }
  return alphabet;
}

inline constexpr ByteAlphabet kByteAlphabet = make_byte_alphabet();

}  // namespace fathom
