// SPDX-License-Identifier: MIT
// Lightning indexer scores of the AVX-512 tiers where the CPU has the int8 dot product. The bits of
// index_avx512.cc.
#include "kernels/index_codes_avx512.h"
#include "kernels/kernel_table.h"

namespace fathom {
namespace {

// The raised codes add 12 times the sum of the query's; each sum starts with that taken away.
FATHOM_INLINE int32_t integer_start(int32_t code_sum) noexcept { return -12 * code_sum; }
FATHOM_INLINE IntSums add_products(IntSums sum, CodeVec raised, CodeVec codes) noexcept {
  return _mm512_dpbusd_epi32(sum, raised, codes);
}
FATHOM_INLINE Vec to_float(IntSums sum) noexcept { return _mm512_cvtepi32_ps(sum); }

}  // namespace
}  // namespace fathom

#include "kernels/index_simd.h"

namespace fathom {

extern constinit const IndexKernels kIndexAvx512Vnni = kIndexSimd;

}  // namespace fathom
