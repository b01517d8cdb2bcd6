// SPDX-License-Identifier: MIT
// Matrix products of the neon tier: how each weight format becomes f32 vectors.
#include "kernels/codes_neon.h"
//
#include "kernels/linear_simd.h"

namespace fathom {
namespace {

FATHOM_INLINE void copy_group(const float* x, float* out) noexcept {
  for (int j = 0; j < 32; j += kWidth) store(out + j, load(x + j));
}

struct F32 {
  using Lane = float;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 128;
  static constexpr ScalesIn kScalesIn = ScalesIn::kNone;
  static constexpr int64_t kDirectRows = 4;
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t*, Vec* w) noexcept {
    for (int j = 0; j < 4; ++j) {
      w[j] = {vreinterpretq_f32_u8(vld1q_u8(bytes + 32 * j)),
              vreinterpretq_f32_u8(vld1q_u8(bytes + 32 * j + 16))};
    }
  }
  static FATHOM_INLINE void pack(const float* x, float, float* out) noexcept { copy_group(x, out); }
};

struct Bf16 {
  using Lane = float;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 64;
  static constexpr ScalesIn kScalesIn = ScalesIn::kNone;
  static constexpr int64_t kDirectRows = 4;
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t*, Vec* w) noexcept {
    for (int j = 0; j < 4; ++j) {
      const uint16x8_t halves = vreinterpretq_u16_u8(vld1q_u8(bytes + 16 * j));
      w[j] = {floats_4(vshll_n_u16(vget_low_u16(halves), 16)),
              floats_4(vshll_n_u16(vget_high_u16(halves), 16))};
    }
  }
  static FATHOM_INLINE void pack(const float* x, float, float* out) noexcept { copy_group(x, out); }
};

// x carries the 2^8 that the codes lack, and the scale.
struct Fp8 {
  using Lane = float;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 32;
  static constexpr ScalesIn kScalesIn = ScalesIn::kX;
  static constexpr int64_t kDirectRows = 4;
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t*, Vec* w) noexcept {
    for (int j = 0; j < 4; ++j) w[j] = e4m3_codes(vld1_u8(bytes + 8 * j));
  }
  static FATHOM_INLINE void pack(const float* x, float factor, float* out) noexcept {
    for (int j = 0; j < kGroup; j += kWidth)
      store(out + j, mul(mul(load(x + j), set1(256.0F)), set1(factor)));
  }
};

struct Fp4 {
  using Lane = float;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 16;
  static constexpr ScalesIn kScalesIn = ScalesIn::kWeights;
  static constexpr int64_t kDirectRows = 4;
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t* scale, Vec* w) noexcept {
    const Vec factor = set1(kScales.value[*scale] * 0.5F);  // of doubled codes
    doubled_group(bytes, w);
    for (int j = 0; j < 4; ++j) w[j] = mul(w[j], factor);
  }
  static FATHOM_INLINE void pack(const float* x, float, float* out) noexcept { copy_group(x, out); }
};

}  // namespace

extern constinit const LinearKernels kLinearNeon = {linear<F32>, linear<Bf16>, linear<Fp8>, linear<Fp4>};

}  // namespace fathom
