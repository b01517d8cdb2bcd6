// SPDX-License-Identifier: MIT
// Attention and compressor pooling of the neon tier.
#include "kernels/simd_neon.h"
//
#include "kernels/attention_simd.h"

namespace fathom {

extern constinit const AttentionKernels kAttentionNeon = kAttentionSimd;

}  // namespace fathom
