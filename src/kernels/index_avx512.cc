// SPDX-License-Identifier: MIT
// Lightning indexer scores of the avx512 tier where the CPU has no int8 dot product: as index_avx2.cc, twice
// as wide.
#include "kernels/index_codes_avx512.h"
#include "kernels/kernel_table.h"

namespace fathom {
namespace {

// The raised codes add 12 times the sum of the query's; each sum starts with that taken away, in the lower
// half.
FATHOM_INLINE int32_t integer_start(int32_t code_sum) noexcept { return (-12 * code_sum) & 0xffff; }
FATHOM_INLINE IntSums add_products(IntSums sum, CodeVec raised, CodeVec codes) noexcept {
  return _mm512_add_epi16(sum, _mm512_maddubs_epi16(raised, codes));
}
FATHOM_INLINE Vec to_float(IntSums sum) noexcept {
  return _mm512_cvtepi32_ps(_mm512_madd_epi16(sum, _mm512_set1_epi16(1)));
}

}  // namespace
}  // namespace fathom

#include "kernels/index_simd.h"

namespace fathom {

extern constinit const IndexKernels kIndexAvx512 = kIndexSimd;

}  // namespace fathom
