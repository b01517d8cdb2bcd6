// SPDX-License-Identifier: MIT
// Matrix products of the avx512 tier: sixteen-lane f32 fused multiply-add on decoded weights.
#include "kernels/linear_formats_avx512.h"
//
#include "kernels/linear_simd.h"

namespace fathom {

extern constinit const LinearKernels kLinearAvx512 = {linear<F32>, linear<Bf16>, linear<Fp8>, linear<Fp4>};

}  // namespace fathom
