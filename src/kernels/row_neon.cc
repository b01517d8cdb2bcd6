// SPDX-License-Identifier: MIT
// Row operations of the neon tier.
#include "kernels/simd_neon.h"
//
#include "kernels/row_simd.h"

namespace fathom {

extern constinit const RowKernels kRowNeon = kRowSimd;

}  // namespace fathom
