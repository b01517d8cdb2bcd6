// SPDX-License-Identifier: MIT
// Row operations of the avx512 tier.
#include "kernels/simd_avx512.h"
//
#include "kernels/row_simd.h"

namespace fathom {

extern constinit const RowKernels kRowAvx512 = kRowSimd;

}  // namespace fathom
