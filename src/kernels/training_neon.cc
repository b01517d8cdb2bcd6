// SPDX-License-Identifier: MIT
// Kernels of the backward pass of the neon tier.
#include "kernels/simd_neon.h"
//
#include "kernels/training_simd.h"

namespace fathom {

extern constinit const TrainingKernels kTrainingNeon = kTrainingSimd;

}  // namespace fathom
