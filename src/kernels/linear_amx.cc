// SPDX-License-Identifier: MIT
// Matrix products of the amx tier: tiles of bfloat16 where x is exact in bfloat16 and the weights are FP8 or
// FP4, for every number of rows; the products of the avx512 tier otherwise.
#include "kernels/linear_tiles.h"
#include "kernels/tiles_amx.h"

namespace fathom {
namespace {

void f32(const LinearArgs& args) noexcept { kLinearAvx512.f32(args); }
void bf16(const LinearArgs& args) noexcept { kLinearAvx512.bf16(args); }

void fp8(const LinearArgs& args) noexcept {
  args.x_precision == XPrecision::kBf16Exact ? tile_linear<Fp8Pairs, AmxTiles>(args)
                                             : kLinearAvx512.fp8(args);
}

void fp4(const LinearArgs& args) noexcept {
  args.x_precision == XPrecision::kBf16Exact ? tile_linear<Fp4Pairs, AmxTiles>(args)
                                             : kLinearAvx512.fp4(args);
}

}  // namespace

extern constinit const LinearKernels kLinearAmx = {f32, bf16, fp8, fp4};

}  // namespace fathom
