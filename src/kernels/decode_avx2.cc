// SPDX-License-Identifier: MIT
// Packed rows of the avx2 tier.
#include "kernels/decode_simd.h"

namespace fathom {

extern constinit const DecodeKernels kDecodeAvx2 = kDecodeSimd;

}  // namespace fathom
