// SPDX-License-Identifier: MIT
// How each weight format becomes sixteen-lane f32 vectors; linear_operands_simd.h says what a Format is.
// For files that include simd_avx512.h. Internal linkage, always inlined (design.md 7).
#pragma once

#include "kernels/simd_avx512.h"
//
#include "kernels/linear_operands_simd.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

FATHOM_INLINE void copy_group(const float* x, float* out) noexcept {
  for (int j = 0; j < 32; j += kWidth) store(out + j, load(x + j));
}

struct F32 {
  using Lane = float;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 128;
  static constexpr ScalesIn kScalesIn = ScalesIn::kNone;
  static constexpr int64_t kDirectRows = 8;
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t*, Vec* w) noexcept {
    w[0] = _mm512_loadu_ps(bytes);
    w[1] = _mm512_loadu_ps(bytes + 64);
  }
  static FATHOM_INLINE void pack(const float* x, float, float* out) noexcept { copy_group(x, out); }
};

// Elements 0, 2, ... 30 of x to out, then 1, 3, ... 31.
FATHOM_INLINE void even_odd(const float* x, float* out) noexcept {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  const Vec low = load(x);
  const Vec high = load(x + kWidth);
  store(out, _mm512_permutex2var_ps(low, even, high));
  store(out + kWidth, _mm512_permutex2var_ps(low, odd, high));
}

// The even elements of 32 bfloat16, then the odd ones.
FATHOM_INLINE Vec widen(__m512i pairs, int odd) noexcept {
  return _mm512_castsi512_ps(odd == 0 ? _mm512_slli_epi32(pairs, 16)
                                      : _mm512_and_si512(pairs, _mm512_set1_epi32(-0x10000)));
}

// Lane order: even elements, then odd ones.
struct Bf16 {
  using Lane = float;
  using Line = __m512i;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 64;
  static constexpr ScalesIn kScalesIn = ScalesIn::kNone;
  static constexpr int64_t kDirectRows = 8;
  static FATHOM_INLINE Line line(const uint8_t* bytes, const uint8_t*, int64_t) noexcept {
    return load_once(bytes);
  }
  static FATHOM_INLINE Vec vec(const Line& line, int j) noexcept { return widen(line, j); }
  static FATHOM_INLINE void pack(const float* x, float, float* out) noexcept { even_odd(x, out); }
};

// Shifted left by 7 an e4m3 code is the binary16 of 2^-8 its value, subnormals included; x carries 2^8 and
// the scale.
struct Fp8 {
  using Lane = float;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 32;
  static constexpr ScalesIn kScalesIn = ScalesIn::kX;
  static constexpr int64_t kDirectRows = 8;
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t*, Vec* w) noexcept {
    const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
    // Bits 15 and 14 both hold the sign. One unit more carries into bit 14 exactly when the magnitude is
    // 0x7f, NaN; so with `keep` for all bits but 14: keep ? s : s ^ (s + unit) clears bit 14, or sets it for
    // NaN.
    const __m512i s = _mm512_slli_epi16(_mm512_cvtepi8_epi16(codes), 7);
    const __m512i carried = _mm512_add_epi16(s, _mm512_set1_epi16(0x80));
    const __m512i keep = _mm512_set1_epi16(static_cast<int16_t>(0xbf80));
    const __m512i half = _mm512_ternarylogic_epi32(keep, s, carried, 0xc6);
    w[0] = _mm512_cvtph_ps(_mm512_castsi512_si256(half));
    w[1] = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(half, 1));
  }
  static FATHOM_INLINE void pack(const float* x, float factor, float* out) noexcept {
    for (int j = 0; j < kGroup; j += kWidth)
      store(out + j, mul(mul(load(x + j), set1(256.0F)), set1(factor)));
  }
};

// A 16-entry table lookup per element; the scale multiplies the table. Lane order: even elements, then odd
// ones.
struct Fp4 {
  using Lane = float;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 16;
  static constexpr ScalesIn kScalesIn = ScalesIn::kWeights;
  static constexpr int64_t kDirectRows = 8;
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t* scale, Vec* w) noexcept {
    const Vec values = _mm512_setr_ps(0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 4.0F, 6.0F, -0.0F, -0.5F, -1.0F,
                                      -1.5F, -2.0F, -3.0F, -4.0F, -6.0F);
    const Vec table = mul(values, set1(kScales.value[*scale]));
    const __m512i pairs = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
    w[0] = _mm512_permutexvar_ps(pairs, table);  // looks at the low four bits only
    w[1] = _mm512_permutexvar_ps(_mm512_srli_epi32(pairs, 4), table);
  }
  static FATHOM_INLINE void pack(const float* x, float, float* out) noexcept { even_odd(x, out); }
};

}  // namespace
}  // namespace fathom
