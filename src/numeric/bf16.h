// SPDX-License-Identifier: MIT
// bfloat16: the upper half of a binary32 (architecture.md 9). Conversion rounds to nearest, ties to even.
// Pure functions; any thread.
#pragma once

#include <bit>
#include <cstdint>

namespace fathom {

constexpr float bf16_to_float(uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// Overflows to infinity; a NaN stays a NaN (quiet, sign and upper payload kept).
constexpr uint16_t float_to_bf16(float x) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace fathom
