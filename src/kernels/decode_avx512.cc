// SPDX-License-Identifier: MIT
// Packed rows of the avx512 tier.
#include "kernels/decode_simd.h"

namespace fathom {

extern constinit const DecodeKernels kDecodeAvx512 = kDecodeSimd;

}  // namespace fathom
