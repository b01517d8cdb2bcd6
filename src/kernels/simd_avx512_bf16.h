// SPDX-License-Identifier: MIT
// Beside the sixteen f32 lanes of simd_avx512.h: products of bfloat16 pairs, summed in f32 (design.md 7).
// For files built with the AVX512_BF16 and VBMI flags only. Internal linkage, always inlined.
//
// The instruction adds to each f32 lane the product of the odd elements of its pair, then that of the even
// ones, each with one rounding to nearest even. It takes subnormal operands for zero and flushes subnormal
// sums, whatever the control register says.
#pragma once

#include "kernels/simd_avx512.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// 32 bfloat16 values as their bits.
FATHOM_INLINE __m512i operand(const uint16_t* p) noexcept { return _mm512_loadu_si512(p); }
FATHOM_INLINE void store_operand(uint16_t* p, __m512i v) noexcept { _mm512_storeu_si512(p, v); }
FATHOM_INLINE Vec dot(__m512i a, __m512i b, Vec sum) noexcept {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

}  // namespace
}  // namespace fathom
