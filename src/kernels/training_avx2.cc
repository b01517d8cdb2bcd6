// SPDX-License-Identifier: MIT
// Kernels of the backward pass of the avx2 tier.
#include "kernels/simd_avx2.h"
//
#include "kernels/training_simd.h"

namespace fathom {

extern constinit const TrainingKernels kTrainingAvx2 = kTrainingSimd;

}  // namespace fathom
