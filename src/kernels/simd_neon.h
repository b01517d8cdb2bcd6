// SPDX-License-Identifier: MIT
// Eight f32 lanes as two registers of four: the vocabulary row_simd.h, attention_simd.h and linear_simd.h are
// written in (design.md 7). 32 registers of four lanes hold what 16 of eight do, so tiles and sums are those
// of simd_avx2.h.
//
// For aarch64 only, where these instructions are always there. Everything has internal linkage and is always
// inlined. Partial loads and stores touch n lanes only.
#pragma once

#include <arm_neon.h>

#include <cstdint>

#define FATHOM_INLINE __attribute__((always_inline)) inline

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

constexpr int64_t kWidth = 8;
struct Vec {
  float32x4_t low;
  float32x4_t high;
};

FATHOM_INLINE Vec zero() noexcept { return {vdupq_n_f32(0.0F), vdupq_n_f32(0.0F)}; }
FATHOM_INLINE Vec set1(float x) noexcept { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
FATHOM_INLINE Vec load(const float* p) noexcept { return {vld1q_f32(p), vld1q_f32(p + 4)}; }
FATHOM_INLINE void store(float* p, Vec v) noexcept {
  vst1q_f32(p, v.low);
  vst1q_f32(p + 4, v.high);
}
// Lanes from n on are 0; 0 < n <= 8.
FATHOM_INLINE Vec load_partial(const float* p, int64_t n) noexcept {
  float lanes[kWidth] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
FATHOM_INLINE void store_partial(float* p, Vec v, int64_t n) noexcept {
  float lanes[kWidth];
  store(lanes, v);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
}

FATHOM_INLINE Vec add(Vec a, Vec b) noexcept { return {vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high)}; }
FATHOM_INLINE Vec sub(Vec a, Vec b) noexcept { return {vsubq_f32(a.low, b.low), vsubq_f32(a.high, b.high)}; }
FATHOM_INLINE Vec mul(Vec a, Vec b) noexcept { return {vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high)}; }
FATHOM_INLINE Vec div(Vec a, Vec b) noexcept { return {vdivq_f32(a.low, b.low), vdivq_f32(a.high, b.high)}; }
// a * b + c, rounded once.
FATHOM_INLINE Vec fma(Vec a, Vec b, Vec c) noexcept {
  return {vfmaq_f32(c.low, a.low, b.low), vfmaq_f32(c.high, a.high, b.high)};
}

FATHOM_INLINE float32x4_t max_4(float32x4_t a, float32x4_t b) noexcept {
  return vbslq_f32(vcgtq_f32(a, b), a, b);
}
FATHOM_INLINE float32x4_t min_4(float32x4_t a, float32x4_t b) noexcept {
  return vbslq_f32(vcltq_f32(a, b), a, b);
}
// The second operand when either is NaN.
FATHOM_INLINE Vec max(Vec a, Vec b) noexcept { return {max_4(a.low, b.low), max_4(a.high, b.high)}; }
FATHOM_INLINE Vec min(Vec a, Vec b) noexcept { return {min_4(a.low, b.low), min_4(a.high, b.high)}; }
FATHOM_INLINE Vec abs(Vec a) noexcept { return {vabsq_f32(a.low), vabsq_f32(a.high)}; }

FATHOM_INLINE uint32x4_t bits_4(float32x4_t a) noexcept { return vreinterpretq_u32_f32(a); }
FATHOM_INLINE float32x4_t floats_4(uint32x4_t a) noexcept { return vreinterpretq_f32_u32(a); }
FATHOM_INLINE Vec xor_bits(Vec a, Vec b) noexcept {
  return {floats_4(veorq_u32(bits_4(a.low), bits_4(b.low))),
          floats_4(veorq_u32(bits_4(a.high), bits_4(b.high)))};
}
FATHOM_INLINE Vec or_bits(Vec a, Vec b) noexcept {
  return {floats_4(vorrq_u32(bits_4(a.low), bits_4(b.low))),
          floats_4(vorrq_u32(bits_4(a.high), bits_4(b.high)))};
}
FATHOM_INLINE Vec sign_of(Vec a) noexcept {
  const uint32x4_t sign = vdupq_n_u32(0x80000000U);
  return {floats_4(vandq_u32(bits_4(a.low), sign)), floats_4(vandq_u32(bits_4(a.high), sign))};
}
// Lanes of v where x < limit; 0 elsewhere and where x is NaN.
FATHOM_INLINE Vec where_below(Vec v, Vec x, Vec limit) noexcept {
  return {floats_4(vandq_u32(bits_4(v.low), vcltq_f32(x.low, limit.low))),
          floats_4(vandq_u32(bits_4(v.high), vcltq_f32(x.high, limit.high)))};
}
FATHOM_INLINE Vec round_nearest(Vec a) noexcept { return {vrndnq_f32(a.low), vrndnq_f32(a.high)}; }

FATHOM_INLINE float32x4_t scale_4(float32x4_t x, float32x4_t n) noexcept {
  const int32x4_t power = vcvtnq_s32_f32(n);
  const int32x4_t half = vshrq_n_s32(power, 1);
  const int32x4_t bias = vdupq_n_s32(127);
  const int32x4_t first = vshlq_n_s32(vaddq_s32(half, bias), 23);
  const int32x4_t second = vshlq_n_s32(vaddq_s32(vsubq_s32(power, half), bias), 23);
  return vmulq_f32(vmulq_f32(x, vreinterpretq_f32_s32(first)), vreinterpretq_f32_s32(second));
}
// x * 2^n for integral n in [-252, 252], in two exact steps, so that a subnormal result is rounded once.
FATHOM_INLINE Vec scale_by_power(Vec x, Vec n) noexcept {
  return {scale_4(x.low, n.low), scale_4(x.high, n.high)};
}

FATHOM_INLINE float32x4_t step_4(float32x4_t a, int least, int raise) noexcept {
  const uint32x4_t field = vandq_u32(bits_4(a), vdupq_n_u32(0x7f800000U));
  const uint32x4_t clamped = vmaxq_u32(field, vdupq_n_u32(static_cast<uint32_t>(least) << 23));
  return floats_4(vaddq_u32(clamped, vdupq_n_u32(static_cast<uint32_t>(raise) << 23)));
}
// max(exponent field of |a|, `least`) + `raise`, as the float with that exponent field and no mantissa.
FATHOM_INLINE Vec exponent_step(Vec a, int least, int raise) noexcept {
  return {step_4(a.low, least, raise), step_4(a.high, least, raise)};
}

// Lane i of the result is lane i xor `distance` of a; distance 1, 2 or 4.
template <int distance>
FATHOM_INLINE Vec swap_lanes(Vec a) noexcept {
  if constexpr (distance == 1) return {vrev64q_f32(a.low), vrev64q_f32(a.high)};
  if constexpr (distance == 2) return {vextq_f32(a.low, a.low, 2), vextq_f32(a.high, a.high, 2)};
  if constexpr (distance == 4) return {a.high, a.low};
}

// Lanes whose index has bit `distance` set hold -0, the others 0.
template <int distance>
FATHOM_INLINE Vec sign_pattern() noexcept {
  constexpr float kOdd[4] = {0.0F, -0.0F, 0.0F, -0.0F};
  constexpr float kUpper[4] = {0.0F, 0.0F, -0.0F, -0.0F};
  if constexpr (distance == 1) return {vld1q_f32(kOdd), vld1q_f32(kOdd)};
  if constexpr (distance == 2) return {vld1q_f32(kUpper), vld1q_f32(kUpper)};
  if constexpr (distance == 4) return {vdupq_n_f32(0.0F), vdupq_n_f32(-0.0F)};
}

// The tree every sum over lanes uses: i + (i + 4), then 2, 1.
FATHOM_INLINE float sum_lanes(Vec v) noexcept {
  const float32x4_t b = vaddq_f32(v.low, v.high);
  const float32x2_t c = vadd_f32(vget_low_f32(b), vget_high_f32(b));
  return vget_lane_f32(c, 0) + vget_lane_f32(c, 1);
}

FATHOM_INLINE float max_lanes(Vec v) noexcept {
  const float32x4_t b = max_4(v.low, v.high);
  float lanes[4];
  vst1q_f32(lanes, b);
  const float c = lanes[0] > lanes[2] ? lanes[0] : lanes[2];
  const float d = lanes[1] > lanes[3] ? lanes[1] : lanes[3];
  return c > d ? c : d;
}

// sum_lanes of v[0] ... v[3] with the same tree, in lanes 0 ... 3.
FATHOM_INLINE float32x4_t lane_sums_4(const Vec* v) noexcept {
  float32x2_t c[4];
  for (int i = 0; i < 4; ++i) {
    const float32x4_t b = vaddq_f32(v[i].low, v[i].high);
    c[i] = vadd_f32(vget_low_f32(b), vget_high_f32(b));
  }
  // Lanes 0 and 1 of each, added.
  return vpaddq_f32(vcombine_f32(c[0], c[1]), vcombine_f32(c[2], c[3]));
}

// sums[i] = sum_lanes(v[i]), and sums[i] += sum_lanes(v[i]), for i < 4.
FATHOM_INLINE void sum_lanes_4(const Vec* v, float* sums) noexcept { vst1q_f32(sums, lane_sums_4(v)); }
FATHOM_INLINE void add_lanes_4(const Vec* v, float* sums) noexcept {
  vst1q_f32(sums, vaddq_f32(vld1q_f32(sums), lane_sums_4(v)));
}

FATHOM_INLINE double square_root(double x) noexcept { return vget_lane_f64(vsqrt_f64(vdup_n_f64(x)), 0); }

FATHOM_INLINE Vec operand(const float* p) noexcept { return load(p); }
FATHOM_INLINE void store_operand(float* p, Vec v) noexcept { store(p, v); }
FATHOM_INLINE Vec dot(Vec a, Vec b, Vec sum) noexcept { return fma(a, b, sum); }

}  // namespace
}  // namespace fathom
