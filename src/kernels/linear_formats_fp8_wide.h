// SPDX-License-Identifier: MIT
// How FP8 weights become f32 vectors in the tiers with bfloat16 products: faster than by way of binary16.
// Internal linkage, always inlined (design.md 7).
#pragma once

#include "kernels/linear_formats_bf16_pairs.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// FP8 as f32 for x of any precision: through the words of FP8's pairs. Lane order: of each vector of pairs
// the even elements, then the odd ones.
struct Fp8Wide {
  using Line = Fp8PairsScaledX::Line;
  using Lane = float;
  static constexpr int64_t kGroup = 64;
  static constexpr int64_t kGroupBytes = 64;
  static constexpr ScalesIn kScalesIn = ScalesIn::kX;
  static constexpr int64_t kDirectRows = 8;
  static FATHOM_INLINE Line line(const uint8_t* bytes, const uint8_t*, int64_t) noexcept {
    return Fp8PairsScaledX::line(bytes, nullptr, 0);
  }
  static FATHOM_INLINE Vec vec(const Line& line, int j) noexcept {
    return widen(Fp8PairsScaledX::vec(line, j / 2), j % 2);
  }
  static FATHOM_INLINE void pack(const float* x, float factor, float* out) noexcept {
    const Vec scale = set1(factor);
    Vec v[4];
    for (int j = 0; j < 4; ++j) v[j] = mul(load(x + 16 * j), scale);
    for (int half = 0; half < 2; ++half) {
      const __m512i order =
          _mm512_add_epi32(_mm512_setr_epi32(0, 2, 4, 6, 16, 18, 20, 22, 1, 3, 5, 7, 17, 19, 21, 23),
                           _mm512_set1_epi32(8 * half));
      const Vec a = _mm512_permutex2var_ps(v[0], order, v[1]);
      const Vec b = _mm512_permutex2var_ps(v[2], order, v[3]);
      store(out + 32 * half, _mm512_shuffle_f32x4(a, b, 0x44));
      store(out + 32 * half + 16, _mm512_shuffle_f32x4(a, b, 0xee));
    }
  }
};

}  // namespace
}  // namespace fathom
