// SPDX-License-Identifier: MIT
// FP4 e2m1: 1 sign, 2 exponent (bias 1), 1 mantissa bit: 0, .5, 1, 1.5, 2, 3, 4, 6 and negatives
// (architecture.md 9). A code is a nibble 0..15, bit 3 the sign; two codes a byte, low nibble first. Pure
// functions; any thread.
#pragma once

#include <bit>
#include <cstdint>

namespace fathom {

inline constexpr float kFp4E2m1Max = 6.0f;

// Bits above the nibble are ignored.
constexpr float fp4_e2m1_to_float(uint8_t nibble) noexcept {
  constexpr float kMagnitudes[8] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};
  const float magnitude = kMagnitudes[nibble & 7u];
  return (nibble & 8u) != 0 ? -magnitude : magnitude;
}

// Nearest, ties to even; saturates, infinity and NaN (which e2m1 lacks) too.
constexpr uint8_t float_to_fp4_e2m1(float x) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t sign = (bits >> 28) & 8u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude >= std::bit_cast<uint32_t>(kFp4E2m1Max)) return static_cast<uint8_t>(sign | 7u);
  if (magnitude < std::bit_cast<uint32_t>(1.0f)) {
    // Adding 2^22 (ulp 0.5) rounds to a multiple of the smallest subnormal, ties to even; 2 is the first
    // normal.
    const float shifted = std::bit_cast<float>(magnitude) + 0x1p22f;
    return static_cast<uint8_t>(sign | (std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0x1p22f)));
  }
  const uint32_t rounded = (magnitude + 0x1fffffu + ((magnitude >> 22) & 1u)) >> 22;
  return static_cast<uint8_t>(sign | (rounded - ((127u - 1u) << 1)));
}

}  // namespace fathom
