// SPDX-License-Identifier: MIT
// Sixteen f32 lanes: the vocabulary row_simd.h, attention_simd.h and linear_simd.h are written in (design.md
// 7).
//
// For files built with the AVX-512 flags only. Everything has internal linkage and is always inlined, so no
// copy built for this instruction set can be linked into another tier. Partial loads and stores touch n lanes
// only.
#pragma once

#include <immintrin.h>

#include <cstdint>

#define FATHOM_INLINE __attribute__((always_inline)) inline

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

constexpr int64_t kWidth = 16;
using Vec = __m512;

// The first n lanes, 0 < n <= 16.
FATHOM_INLINE __mmask16 first_lanes(int64_t n) noexcept { return static_cast<__mmask16>((1u << n) - 1u); }

FATHOM_INLINE Vec zero() noexcept { return _mm512_setzero_ps(); }
FATHOM_INLINE Vec set1(float x) noexcept { return _mm512_set1_ps(x); }
FATHOM_INLINE Vec load(const float* p) noexcept { return _mm512_loadu_ps(p); }
FATHOM_INLINE void store(float* p, Vec v) noexcept { _mm512_storeu_ps(p, v); }
// Lanes from n on are 0.
FATHOM_INLINE Vec load_partial(const float* p, int64_t n) noexcept {
  return _mm512_maskz_loadu_ps(first_lanes(n), p);
}
FATHOM_INLINE void store_partial(float* p, Vec v, int64_t n) noexcept {
  _mm512_mask_storeu_ps(p, first_lanes(n), v);
}

FATHOM_INLINE Vec add(Vec a, Vec b) noexcept { return _mm512_add_ps(a, b); }
FATHOM_INLINE Vec sub(Vec a, Vec b) noexcept { return _mm512_sub_ps(a, b); }
FATHOM_INLINE Vec mul(Vec a, Vec b) noexcept { return _mm512_mul_ps(a, b); }
FATHOM_INLINE Vec div(Vec a, Vec b) noexcept { return _mm512_div_ps(a, b); }
// a * b + c, rounded once.
FATHOM_INLINE Vec fma(Vec a, Vec b, Vec c) noexcept { return _mm512_fmadd_ps(a, b, c); }
// The second operand when either is NaN.
FATHOM_INLINE Vec max(Vec a, Vec b) noexcept { return _mm512_max_ps(a, b); }
FATHOM_INLINE Vec min(Vec a, Vec b) noexcept { return _mm512_min_ps(a, b); }
FATHOM_INLINE Vec abs(Vec a) noexcept { return _mm512_abs_ps(a); }
// Lanes of v where x < bound; 0 elsewhere and where x is NaN.
FATHOM_INLINE Vec where_below(Vec v, Vec x, Vec bound) noexcept {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, bound, _CMP_LT_OQ), v);
}
// a with the signs of b flipped in / or-ed in.
FATHOM_INLINE Vec xor_bits(Vec a, Vec b) noexcept { return _mm512_xor_ps(a, b); }
FATHOM_INLINE Vec sign_of(Vec a) noexcept { return _mm512_and_ps(a, _mm512_set1_ps(-0.0F)); }
FATHOM_INLINE Vec or_bits(Vec a, Vec b) noexcept { return _mm512_or_ps(a, b); }
FATHOM_INLINE Vec round_nearest(Vec a) noexcept {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

// x * 2^n for integral n in [-252, 252], in two exact steps, so that a subnormal result is rounded once.
FATHOM_INLINE Vec scale_by_power(Vec x, Vec n) noexcept {
  const __m512i power = _mm512_cvtps_epi32(n);
  const __m512i half = _mm512_srai_epi32(power, 1);
  const __m512i rest = _mm512_sub_epi32(power, half);
  const __m512i bias = _mm512_set1_epi32(127);
  const Vec a = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(half, bias), 23));
  const Vec b = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(rest, bias), 23));
  return mul(mul(x, a), b);
}

// max(exponent field of |a|, `least`) + `raise`, as the float with that exponent field and no mantissa.
FATHOM_INLINE Vec exponent_step(Vec a, int least, int raise) noexcept {
  const __m512i field = _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x7f800000));
  const __m512i clamped = _mm512_max_epi32(field, _mm512_set1_epi32(least << 23));
  return _mm512_castsi512_ps(_mm512_add_epi32(clamped, _mm512_set1_epi32(raise << 23)));
}

// Lane i of the result is lane i xor `distance` of a; distance 1, 2, 4 or 8.
template <int distance>
FATHOM_INLINE Vec swap_lanes(Vec a) noexcept {
  if constexpr (distance == 1) return _mm512_permute_ps(a, 0xb1);
  if constexpr (distance == 2) return _mm512_permute_ps(a, 0x4e);
  if constexpr (distance == 4) return _mm512_shuffle_f32x4(a, a, 0xb1);
  if constexpr (distance == 8) return _mm512_shuffle_f32x4(a, a, 0x4e);
}

// Lanes whose index has bit `distance` set hold -0, the others 0.
template <int distance>
FATHOM_INLINE Vec sign_pattern() noexcept {
  constexpr int kMask = distance == 1 ? 0xaaaa : distance == 2 ? 0xcccc : distance == 4 ? 0xf0f0 : 0xff00;
  return _mm512_maskz_mov_ps(static_cast<__mmask16>(kMask), _mm512_set1_ps(-0.0F));
}

// The tree every sum over lanes uses: i + (i + 8), then 4, 2, 1.
FATHOM_INLINE float sum_lanes(Vec v) noexcept {
  const __m256 a = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  const __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}

FATHOM_INLINE float max_lanes(Vec v) noexcept {
  const __m256 a = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  const __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 c = _mm_max_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}

// sum_lanes of v[0] ... v[3] with the same tree, in lanes 0 ... 3.
FATHOM_INLINE __m128 lane_sums_4(const Vec* v) noexcept {
  // Lanes i + (i + 8) of two vectors side by side, then the same for 4, 2 and 1.
  const Vec ab = add(_mm512_shuffle_f32x4(v[0], v[1], 0x44), _mm512_shuffle_f32x4(v[0], v[1], 0xee));
  const Vec cd = add(_mm512_shuffle_f32x4(v[2], v[3], 0x44), _mm512_shuffle_f32x4(v[2], v[3], 0xee));
  const Vec abcd = add(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
  const Vec pairs = add(abcd, _mm512_permute_ps(abcd, 0x4e));
  const Vec sums = add(pairs, _mm512_permute_ps(pairs, 0xb1));
  const __m512i every_fourth = _mm512_castsi128_si512(_mm_setr_epi32(0, 4, 8, 12));
  return _mm512_castps512_ps128(_mm512_permutexvar_ps(every_fourth, sums));
}

// sums[i] = sum_lanes(v[i]), and sums[i] += sum_lanes(v[i]), for i < 4.
FATHOM_INLINE void sum_lanes_4(const Vec* v, float* sums) noexcept { _mm_storeu_ps(sums, lane_sums_4(v)); }
FATHOM_INLINE void add_lanes_4(const Vec* v, float* sums) noexcept {
  _mm_storeu_ps(sums, _mm_add_ps(_mm_loadu_ps(sums), lane_sums_4(v)));
}

FATHOM_INLINE double square_root(double x) noexcept { return _mm_cvtsd_f64(_mm_sqrt_pd(_mm_set1_pd(x))); }

// 64 bytes, loaded once: the compiler would load them again for each use, and what a core can read ahead is
// bounded by the loads it keeps in flight.
FATHOM_INLINE __m512i load_once(const uint8_t* p) noexcept {
  __m512i v = _mm512_loadu_si512(p);
  asm("" : "+v"(v));
  return v;
}

FATHOM_INLINE Vec operand(const float* p) noexcept { return load(p); }
FATHOM_INLINE void store_operand(float* p, Vec v) noexcept { store(p, v); }
FATHOM_INLINE Vec dot(Vec a, Vec b, Vec sum) noexcept { return fma(a, b, sum); }

}  // namespace
}  // namespace fathom
