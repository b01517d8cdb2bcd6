// SPDX-License-Identifier: MIT
// Attention and compressor pooling of the avx2 tier.
#include "kernels/simd_avx2.h"
//
#include "kernels/attention_simd.h"

namespace fathom {

extern constinit const AttentionKernels kAttentionAvx2 = kAttentionSimd;

}  // namespace fathom
