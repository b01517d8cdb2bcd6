// SPDX-License-Identifier: MIT
// The amx tier's products over emulated tiles, for tests on CPUs without them. Built with the tier's flags,
// so it includes no test header; the tests are those of linear_test_support.h.
#include "kernels/linear_tiles.h"
#include "kernels/tiles_emulated.h"

namespace fathom {
namespace {

constexpr float kLeastNormal = 0x1p-126F;

// Operands and results of the tile instructions: subnormal numbers count as zero.
float flushed(float v) noexcept { return v > -kLeastNormal && v < kLeastNormal ? 0.0F : v; }

float value_of(uint16_t bits) noexcept {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float v = 0.0F;
  __builtin_memcpy(&v, &wide, sizeof v);
  return flushed(v);
}

// tdpbf16ps as Intel's manual defines it: even and odd columns of a tile are summed apart from zero, in
// order, then added to each other and to the sums.
class EmulatedTiles {
 public:
  void zero_sums() noexcept {
    for (auto& tile : sums_) {
      for (float& v : tile) v = 0.0F;
    }
  }
  template <int r>
  void load_w(const uint16_t* p) noexcept {
    for (int64_t row = 0; row < kTile; ++row) {
      for (int64_t c = 0; c < kTileColumns; ++c) w_[r][row * kTileColumns + c] = p[row * kTileChunk + c];
    }
  }
  template <int i>
  void load_x(const uint16_t* p) noexcept {
    for (int64_t j = 0; j < kTileWords; ++j) x_[i][j] = p[j];
  }
  template <int r, int i>
  void multiply() noexcept {
    for (int64_t n = 0; n < kTile; ++n) {
      for (int64_t row = 0; row < kTile; ++row) {
        float part[2] = {};
        for (int64_t pair = 0; pair < kTile; ++pair) {
          for (int64_t odd = 0; odd < 2; ++odd) {
            const float w = value_of(w_[r][n * kTileColumns + 2 * pair + odd]);
            const float x = value_of(x_[i][pair * kTileColumns + 2 * row + odd]);
            part[odd] = flushed(__builtin_fmaf(w, x, part[odd]));
          }
        }
        float& sum = sums_[2 * r + i][n * kTile + row];
        sum = flushed(sum + flushed(part[0] + part[1]));
      }
    }
  }
  template <int r, int i>
  void store_sums(float* p) noexcept {
    for (int64_t j = 0; j < kTile * kTile; ++j) p[j] = sums_[2 * r + i][j];
  }

 private:
  float sums_[4][kTile * kTile];
  uint16_t w_[2][kTileWords];
  uint16_t x_[2][kTileWords];
};

void f32(const LinearArgs& args) noexcept { kLinearAvx512.f32(args); }
void bf16(const LinearArgs& args) noexcept { kLinearAvx512.bf16(args); }
void fp8(const LinearArgs& args) noexcept {
  args.x_precision == XPrecision::kBf16Exact ? tile_linear<Fp8Pairs, EmulatedTiles>(args)
                                             : kLinearAvx512.fp8(args);
}
void fp4(const LinearArgs& args) noexcept {
  args.x_precision == XPrecision::kBf16Exact ? tile_linear<Fp4Pairs, EmulatedTiles>(args)
                                             : kLinearAvx512.fp4(args);
}

}  // namespace

extern constinit const LinearKernels kLinearEmulatedTiles = {f32, bf16, fp8, fp4};

}  // namespace fathom
