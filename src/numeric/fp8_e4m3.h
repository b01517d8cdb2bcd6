// SPDX-License-Identifier: MIT
// FP8 e4m3: 1 sign, 4 exponent (bias 7), 3 mantissa bits; no infinity, NaN = 0x7f and 0xff, largest 448,
// smallest 2^-9 (architecture.md 9). Pure functions; any thread.
#pragma once

#include <bit>
#include <cstdint>

namespace fathom {

inline constexpr float kFp8E4m3Max = 448.0f;

constexpr float fp8_e4m3_to_float(uint8_t code) noexcept {
  const uint32_t sign = static_cast<uint32_t>(code & 0x80u) << 24;
  const uint32_t magnitude = code & 0x7fu;
  if (magnitude == 0x7fu) return std::bit_cast<float>(sign | 0x7fc00000u);
  if (magnitude < 8u) {
    const float value = static_cast<float>(magnitude) * 0x1p-9f;  // subnormal: exact
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
  }
  return std::bit_cast<float>(sign | ((magnitude << 20) + ((127u - 7u) << 23)));
}

// Nearest, ties to even; saturates, infinity too; any NaN gives 0x7f.
constexpr uint8_t float_to_fp8_e4m3(float x) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t sign = (bits >> 24) & 0x80u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return 0x7f;
  if (magnitude >= std::bit_cast<uint32_t>(kFp8E4m3Max)) return static_cast<uint8_t>(sign | 0x7eu);
  if (magnitude < std::bit_cast<uint32_t>(0x1p-6f)) {
    // Adding 2^14 (ulp 2^-9) rounds to a multiple of the smallest subnormal, ties to even; 8 is the first
    // normal.
    const float shifted = std::bit_cast<float>(magnitude) + 0x1p14f;
    return static_cast<uint8_t>(sign | (std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0x1p14f)));
  }
  const uint32_t rounded = (magnitude + 0x7ffffu + ((magnitude >> 20) & 1u)) >> 20;
  return static_cast<uint8_t>(sign | (rounded - ((127u - 7u) << 3)));
}

}  // namespace fathom
