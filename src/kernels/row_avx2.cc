// SPDX-License-Identifier: MIT
// Row operations of the avx2 tier.
#include "kernels/simd_avx2.h"
//
#include "kernels/row_simd.h"

namespace fathom {

extern constinit const RowKernels kRowAvx2 = kRowSimd;

}  // namespace fathom
