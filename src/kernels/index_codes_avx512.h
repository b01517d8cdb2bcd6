// SPDX-License-Identifier: MIT
// What the int8 index scores of the AVX-512 tiers share: loads and the unpacking of keys. Internal linkage
// (design.md 7).
#pragma once

#include "kernels/simd_avx512.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

constexpr int kIndexRegisters = 32;
constexpr int64_t kUnpackedBytes = 64;
using IntSums = __m512i;
using CodeVec = __m512i;

FATHOM_INLINE IntSums load_start(const int32_t* p) noexcept { return _mm512_loadu_si512(p); }
FATHOM_INLINE CodeVec load_codes(const int8_t* p) noexcept { return _mm512_loadu_si512(p); }
FATHOM_INLINE CodeVec broadcast_quad(const uint8_t* p) noexcept {
  int32_t four = 0;
  __builtin_memcpy(&four, p, sizeof four);
  return _mm512_set1_epi32(four);
}

// `bytes` <= 64 bytes of packed codes -> the low nibbles' values, then the high ones', doubled and raised
// by 12.
FATHOM_INLINE void unpack_codes(const uint8_t* packed, int64_t bytes, uint8_t* out) noexcept {
  const __m512i table =
      _mm512_broadcast_i32x4(_mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
  const __m512i mask = _mm512_set1_epi8(15);
  const __m512i codes = _mm512_maskz_loadu_epi8(~uint64_t{0} >> (kUnpackedBytes - bytes), packed);
  const __m512i even = _mm512_and_si512(codes, mask);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi16(codes, 4), mask);
  _mm512_storeu_si512(out, _mm512_shuffle_epi8(table, even));
  _mm512_storeu_si512(out + kUnpackedBytes, _mm512_shuffle_epi8(table, odd));
}

}  // namespace
}  // namespace fathom
