// SPDX-License-Identifier: MIT
// Matrix products of the avx512-bf16 tier: products of bfloat16 pairs where x is exact in bfloat16 and the
// weights are FP8 or FP4, f32 products otherwise, those of the avx512 tier but for FP8.
#include "kernels/linear_formats_fp8_wide.h"
//
#include "kernels/linear_simd.h"

namespace fathom {
namespace {

void f32(const LinearArgs& args) noexcept { kLinearAvx512.f32(args); }
void bf16(const LinearArgs& args) noexcept { kLinearAvx512.bf16(args); }

void fp8(const LinearArgs& args) noexcept {
  args.x_precision == XPrecision::kBf16Exact ? linear<Fp8Pairs>(args) : linear<Fp8Wide>(args);
}

void fp4(const LinearArgs& args) noexcept {
  args.x_precision == XPrecision::kBf16Exact ? linear<Fp4Pairs>(args) : kLinearAvx512.fp4(args);
}

}  // namespace

extern constinit const LinearKernels kLinearAvx512Bf16 = {f32, bf16, fp8, fp4};

}  // namespace fathom
