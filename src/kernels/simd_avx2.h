// SPDX-License-Identifier: MIT
// Eight f32 lanes: the vocabulary row_simd.h, attention_simd.h and linear_simd.h are written in (design.md
// 7).
//
// For files built with the AVX2 flags only. Everything has internal linkage and is always inlined, so no copy
// built for this instruction set can be linked into another tier. Partial loads and stores touch n lanes
// only.
#pragma once

#include <immintrin.h>

#include <cstdint>

#define FATHOM_INLINE __attribute__((always_inline)) inline

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

constexpr int64_t kWidth = 8;
using Vec = __m256;

// The first n lanes, 0 < n <= 8.
FATHOM_INLINE __m256i first_lanes(int64_t n) noexcept {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), index);
}

FATHOM_INLINE Vec zero() noexcept { return _mm256_setzero_ps(); }
FATHOM_INLINE Vec set1(float x) noexcept { return _mm256_set1_ps(x); }
FATHOM_INLINE Vec load(const float* p) noexcept { return _mm256_loadu_ps(p); }
FATHOM_INLINE void store(float* p, Vec v) noexcept { _mm256_storeu_ps(p, v); }
// Lanes from n on are 0.
FATHOM_INLINE Vec load_partial(const float* p, int64_t n) noexcept {
  return _mm256_maskload_ps(p, first_lanes(n));
}
FATHOM_INLINE void store_partial(float* p, Vec v, int64_t n) noexcept {
  _mm256_maskstore_ps(p, first_lanes(n), v);
}

FATHOM_INLINE Vec add(Vec a, Vec b) noexcept { return _mm256_add_ps(a, b); }
FATHOM_INLINE Vec sub(Vec a, Vec b) noexcept { return _mm256_sub_ps(a, b); }
FATHOM_INLINE Vec mul(Vec a, Vec b) noexcept { return _mm256_mul_ps(a, b); }
FATHOM_INLINE Vec div(Vec a, Vec b) noexcept { return _mm256_div_ps(a, b); }
// a * b + c, rounded once.
FATHOM_INLINE Vec fma(Vec a, Vec b, Vec c) noexcept { return _mm256_fmadd_ps(a, b, c); }
// The second operand when either is NaN.
FATHOM_INLINE Vec max(Vec a, Vec b) noexcept { return _mm256_max_ps(a, b); }
FATHOM_INLINE Vec min(Vec a, Vec b) noexcept { return _mm256_min_ps(a, b); }
FATHOM_INLINE Vec abs(Vec a) noexcept { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a); }
// Lanes of v where x < bound; 0 elsewhere and where x is NaN.
FATHOM_INLINE Vec where_below(Vec v, Vec x, Vec bound) noexcept {
  return _mm256_and_ps(v, _mm256_cmp_ps(x, bound, _CMP_LT_OQ));
}
FATHOM_INLINE Vec xor_bits(Vec a, Vec b) noexcept { return _mm256_xor_ps(a, b); }
FATHOM_INLINE Vec sign_of(Vec a) noexcept { return _mm256_and_ps(a, _mm256_set1_ps(-0.0F)); }
FATHOM_INLINE Vec or_bits(Vec a, Vec b) noexcept { return _mm256_or_ps(a, b); }
FATHOM_INLINE Vec round_nearest(Vec a) noexcept {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

// x * 2^n for integral n in [-252, 252], in two exact steps, so that a subnormal result is rounded once.
FATHOM_INLINE Vec scale_by_power(Vec x, Vec n) noexcept {
  const __m256i power = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(power, 1);
  const __m256i rest = _mm256_sub_epi32(power, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const Vec a = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const Vec b = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return mul(mul(x, a), b);
}

// max(exponent field of |a|, `least`) + `raise`, as the float with that exponent field and no mantissa.
FATHOM_INLINE Vec exponent_step(Vec a, int least, int raise) noexcept {
  const __m256i field = _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(0x7f800000));
  const __m256i clamped = _mm256_max_epi32(field, _mm256_set1_epi32(least << 23));
  return _mm256_castsi256_ps(_mm256_add_epi32(clamped, _mm256_set1_epi32(raise << 23)));
}

// Lane i of the result is lane i xor `distance` of a; distance 1, 2 or 4.
template <int distance>
FATHOM_INLINE Vec swap_lanes(Vec a) noexcept {
  if constexpr (distance == 1) return _mm256_permute_ps(a, 0xb1);
  if constexpr (distance == 2) return _mm256_permute_ps(a, 0x4e);
  if constexpr (distance == 4) return _mm256_permute2f128_ps(a, a, 0x01);
}

// Lanes whose index has bit `distance` set hold -0, the others 0.
template <int distance>
FATHOM_INLINE Vec sign_pattern() noexcept {
  if constexpr (distance == 1) return _mm256_setr_ps(0.0F, -0.0F, 0.0F, -0.0F, 0.0F, -0.0F, 0.0F, -0.0F);
  if constexpr (distance == 2) return _mm256_setr_ps(0.0F, 0.0F, -0.0F, -0.0F, 0.0F, 0.0F, -0.0F, -0.0F);
  if constexpr (distance == 4) return _mm256_setr_ps(0.0F, 0.0F, 0.0F, 0.0F, -0.0F, -0.0F, -0.0F, -0.0F);
}

// The tree every sum over lanes uses: i + (i + 4), then 2, 1.
FATHOM_INLINE float sum_lanes(Vec v) noexcept {
  const __m128 b = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}

FATHOM_INLINE float max_lanes(Vec v) noexcept {
  const __m128 b = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 c = _mm_max_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}

// sum_lanes of v[0] ... v[3] with the same tree, in lanes 0 ... 3.
FATHOM_INLINE __m128 lane_sums_4(const Vec* v) noexcept {
  __m128 q[4];
  for (int i = 0; i < 4; ++i) q[i] = _mm_add_ps(_mm256_castps256_ps128(v[i]), _mm256_extractf128_ps(v[i], 1));
  const __m128 ab = _mm_add_ps(_mm_movelh_ps(q[0], q[1]), _mm_movehl_ps(q[1], q[0]));
  const __m128 cd = _mm_add_ps(_mm_movelh_ps(q[2], q[3]), _mm_movehl_ps(q[3], q[2]));
  return _mm_add_ps(_mm_shuffle_ps(ab, cd, 0x88), _mm_shuffle_ps(ab, cd, 0xdd));
}

// sums[i] = sum_lanes(v[i]), and sums[i] += sum_lanes(v[i]), for i < 4.
FATHOM_INLINE void sum_lanes_4(const Vec* v, float* sums) noexcept { _mm_storeu_ps(sums, lane_sums_4(v)); }
FATHOM_INLINE void add_lanes_4(const Vec* v, float* sums) noexcept {
  _mm_storeu_ps(sums, _mm_add_ps(_mm_loadu_ps(sums), lane_sums_4(v)));
}

FATHOM_INLINE double square_root(double x) noexcept { return _mm_cvtsd_f64(_mm_sqrt_pd(_mm_set1_pd(x))); }

FATHOM_INLINE Vec operand(const float* p) noexcept { return load(p); }
FATHOM_INLINE void store_operand(float* p, Vec v) noexcept { store(p, v); }
FATHOM_INLINE Vec dot(Vec a, Vec b, Vec sum) noexcept { return fma(a, b, sum); }

}  // namespace
}  // namespace fathom
