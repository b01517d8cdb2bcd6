// SPDX-License-Identifier: MIT
// Round trips through e4m3 and e2m1 of every SIMD tier (architecture.md 9), over the Vec of simd_<tier>.h,
// which the including file chose before this one. Internal linkage (design.md 7). The bits of
// numeric/block_quant.h.
#pragma once

#include "kernels/simd_math.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// What distinguishes e4m3 from e2m1 for rounding; the plain versions are numeric/block_quant.h.
struct CodeGrid {
  float floor;        // least amax of a group
  uint32_t shift;     // exponent of the largest code
  uint32_t mantissa;  // mantissa bits of the largest code, as in binary32
  float largest;
  int smallest_exponent;  // biased binary32 exponent of the smallest normal code
  int raise;              // 23 - mantissa bits of the code
};

constexpr CodeGrid kE4m3Grid = {1e-4F, 8, 0x600000u, 448.0F, 127 - 6, 20};
constexpr CodeGrid kE2m1Grid = {0x1.8p-124F, 2, 0x400000u, 6.0F, 127, 22};

FATHOM_INLINE uint32_t bits_of(float x) noexcept {
  uint32_t bits = 0;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

FATHOM_INLINE float float_of(uint32_t bits) noexcept {
  float x = 0.0F;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

// decode(encode(v)) for v within the scale. Adding a power of two whose ulp is the grid's step at v, and
// subtracting it again, rounds to nearest, ties to even.
FATHOM_INLINE Vec round_to_grid(Vec v, const CodeGrid& grid) noexcept {
  const Vec magnitude = abs(v);
  const Vec step = exponent_step(v, grid.smallest_exponent, grid.raise);
  const Vec rounded = sub(add(magnitude, step), step);
  return or_bits(min(set1(grid.largest), rounded), sign_of(v));
}

FATHOM_INLINE float group_amax(const float* x, int64_t n) noexcept {
  Vec top = zero();
  // A NaN loses: max returns its second operand.
  for_lanes(
      n, [&](int64_t i) { top = max(abs(load(x + i)), top); },
      [&](int64_t i, int64_t count) { top = max(abs(load_partial(x + i, count)), top); });
  return max_lanes(top);
}

FATHOM_INLINE void round_trip_group(const float* x, int64_t n, const CodeGrid& grid, float* out) noexcept {
  const float amax = group_amax(x, n);
  const uint32_t bits = bits_of(amax > grid.floor ? amax : grid.floor);
  const uint32_t byte = (bits >> 23) - grid.shift + ((bits & 0x7fffffu) > grid.mantissa ? 1u : 0u);
  const Vec forth = set1(float_of((254u - byte) << 23));
  const Vec back = set1(float_of(byte << 23));
  for_lanes(
      n, [&](int64_t i) { store(out + i, mul(round_to_grid(mul(load(x + i), forth), grid), back)); },
      [&](int64_t i, int64_t count) {
        const Vec v = mul(round_to_grid(mul(load_partial(x + i, count), forth), grid), back);
        store_partial(out + i, v, count);
      });
}

}  // namespace
}  // namespace fathom
