// SPDX-License-Identifier: MIT
// Kernels of the backward pass of the avx512 tier.
#include "kernels/simd_avx512.h"
//
#include "kernels/training_simd.h"

namespace fathom {

extern constinit const TrainingKernels kTrainingAvx512 = kTrainingSimd;

}  // namespace fathom
