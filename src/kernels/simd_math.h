// SPDX-License-Identifier: MIT
// What the SIMD families share besides the Vec of simd_<tier>.h, which the including file chose before this
// one: the exponential and the walk over a row. Internal linkage, always inlined (design.md 7).
#pragma once

#include <cstdint>

// Before a loop over a tile of vectors: only a loop that is gone leaves its array in registers.
#if defined(__clang__)
#define FATHOM_UNROLL _Pragma("unroll")
#else
#define FATHOM_UNROLL _Pragma("GCC unroll 16")
#endif
#define FATHOM_INLINE_LAMBDA __attribute__((always_inline))

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// e^x within 2 ulp; 0 below -104, infinity above 88.73; NaN stays NaN.
FATHOM_INLINE Vec exp_vec(Vec x) noexcept {
  // Bounds keep the power of two in range; both are past the point where the result is 0 or infinite.
  x = max(set1(-105.0F), min(set1(89.0F), x));
  const Vec n = round_nearest(mul(x, set1(0x1.715476p0F)));
  // ln 2 = kHigh + kLow; kHigh has 15 bits, so n * kHigh is exact.
  const Vec r = fma(n, set1(-0x1.7f7d1cp-20F), fma(n, set1(-0x1.62e4p-1F), x));
  // Taylor on |r| <= 0.3466; the first term left out, r^8 / 8!, is below 2^-27.
  Vec sum = set1(0x1.a01a02p-13F);           // 1/5040
  sum = fma(sum, r, set1(0x1.6c16c2p-10F));  // 1/720
  sum = fma(sum, r, set1(0x1.111112p-7F));   // 1/120
  sum = fma(sum, r, set1(0x1.555556p-5F));   // 1/24
  sum = fma(sum, r, set1(0x1.555556p-3F));   // 1/6
  sum = fma(sum, r, set1(0.5F));
  sum = fma(mul(r, r), sum, r);
  return scale_by_power(add(set1(1.0F), sum), n);
}

// Calls whole(first) for every full vector of a row of n, then rest(first, count) for what is left, if
// anything.
template <typename Whole, typename Rest>
FATHOM_INLINE void for_lanes(int64_t n, Whole whole, Rest rest) noexcept {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) whole(i);
  if (i < n) rest(i, n - i);
}

}  // namespace
}  // namespace fathom
