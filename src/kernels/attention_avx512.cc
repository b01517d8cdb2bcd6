// SPDX-License-Identifier: MIT
// Attention and compressor pooling of the avx512 tier.
#include "kernels/simd_avx512.h"
//
#include "kernels/attention_simd.h"

namespace fathom {

extern constinit const AttentionKernels kAttentionAvx512 = kAttentionSimd;

}  // namespace fathom
