// SPDX-License-Identifier: MIT
// Quantisers with one power-of-two scale per group of channels (architecture.md 9).
//
// Groups start at channel 0; a shorter last group has its own scale. A scale is the smallest power of two s
// with max(|x|, floor) <= s * largest code; x / s is exact, so only the final rounding rounds. NaNs do not
// raise a scale; as FP8 they stay NaN. Pure functions that allocate nothing; any thread.
#pragma once

#include <cstdint>
#include <span>

namespace fathom {

// ue8m0 byte of a group whose largest magnitude is `amax` (floor 1e-4). Exponent by bit arithmetic, no
// logarithm.
uint8_t fp8_scale_byte(float amax) noexcept;
// The same for e2m1 (floor 6 * 2^-126).
uint8_t fp4_scale_byte(float amax) noexcept;

//   x       [n] f32
//   codes   [n]                  e4m3
//   scales  [ceil(n / block)]    ue8m0
// Requires block >= 1.
void fp8_quantize(std::span<const float> x, int block, uint8_t* codes, uint8_t* scales) noexcept;
// x becomes decode(code) * scale, in place.
void fp8_round_trip(std::span<float> x, int block) noexcept;

//   packed  [ceil(n / 2)]        e2m1, element 2i in the low nibble; the spare nibble of an odd n is 0
//   scales  [ceil(n / block)]    ue8m0
// Requires an even block >= 2.
void fp4_quantize(std::span<const float> x, int block, uint8_t* packed, uint8_t* scales) noexcept;
// x becomes decode(code) * scale, in place.
void fp4_round_trip(std::span<float> x, int block) noexcept;

}  // namespace fathom
