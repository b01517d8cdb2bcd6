// SPDX-License-Identifier: MIT
// Lightning indexer scores of the avx2 tier. Codes of keys are raised by 12 so that the unsigned times signed
// product takes them; two instructions and an addition in 16 bits, which a group cannot fill: 24 * 12 * 32 <
// 2^15.
#include "kernels/simd_avx2.h"
//
#include "kernels/kernel_table.h"

namespace fathom {
namespace {

constexpr int kIndexRegisters = 16;
constexpr int64_t kUnpackedBytes = 32;
using IntSums = __m256i;
using CodeVec = __m256i;

// The raised codes add 12 times the sum of the query's; each sum starts with that taken away, in the lower
// half.
FATHOM_INLINE int32_t integer_start(int32_t code_sum) noexcept { return (-12 * code_sum) & 0xffff; }
FATHOM_INLINE IntSums load_start(const int32_t* p) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
FATHOM_INLINE CodeVec load_codes(const int8_t* p) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
FATHOM_INLINE CodeVec broadcast_quad(const uint8_t* p) noexcept {
  int32_t four = 0;
  __builtin_memcpy(&four, p, sizeof four);
  return _mm256_set1_epi32(four);
}
FATHOM_INLINE IntSums add_products(IntSums sum, CodeVec raised, CodeVec codes) noexcept {
  return _mm256_add_epi16(sum, _mm256_maddubs_epi16(raised, codes));
}
FATHOM_INLINE Vec to_float(IntSums sum) noexcept {
  return _mm256_cvtepi32_ps(_mm256_madd_epi16(sum, _mm256_set1_epi16(1)));
}

// `bytes` <= 32 bytes of packed codes -> the low nibbles' values, then the high ones', doubled and raised
// by 12.
FATHOM_INLINE void unpack_codes(const uint8_t* packed, int64_t bytes, uint8_t* out) noexcept {
  const __m256i table =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
  const __m256i mask = _mm256_set1_epi8(15);
  alignas(32) uint8_t rest[kUnpackedBytes] = {};
  if (bytes < kUnpackedBytes) {
    for (int64_t j = 0; j < bytes; ++j) rest[j] = packed[j];
    packed = rest;
  }
  const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(packed));
  const __m256i even = _mm256_and_si256(codes, mask);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi16(codes, 4), mask);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_shuffle_epi8(table, even));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + kUnpackedBytes), _mm256_shuffle_epi8(table, odd));
}

}  // namespace
}  // namespace fathom

#include "kernels/index_simd.h"

namespace fathom {

extern constinit const IndexKernels kIndexAvx2 = kIndexSimd;

}  // namespace fathom
