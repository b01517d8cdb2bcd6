// SPDX-License-Identifier: MIT
// Matrix products of the avx2 tier: how each weight format becomes eight-lane f32 vectors.
#include "kernels/simd_avx2.h"
//
#include "kernels/linear_simd.h"

namespace fathom {
namespace {

FATHOM_INLINE __m128i load_16_bytes(const uint8_t* bytes) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

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
      w[j] = _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32 * j)));
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
      const __m256i wide = _mm256_cvtepu16_epi32(load_16_bytes(bytes + 16 * j));
      w[j] = _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
    }
  }
  static FATHOM_INLINE void pack(const float* x, float, float* out) noexcept { copy_group(x, out); }
};

// Shifted left by 7 an e4m3 code is the binary16 of 2^-8 its value, subnormals included; x carries 2^8 and
// the scale.
struct Fp8 {
  using Lane = float;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 32;
  static constexpr ScalesIn kScalesIn = ScalesIn::kX;
  static constexpr int64_t kDirectRows = 4;
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t*, Vec* w) noexcept {
    for (int j = 0; j < 4; j += 2) {
      // Bits 15 and 14 both hold the sign. One unit more carries into bit 14 exactly when the magnitude is
      // 0x7f, NaN; s ^ (that bit of s + unit) clears bit 14, or sets it for NaN.
      const __m256i s = _mm256_slli_epi16(_mm256_cvtepi8_epi16(load_16_bytes(bytes + 8 * j)), 7);
      const __m256i carried = _mm256_add_epi16(s, _mm256_set1_epi16(0x80));
      const __m256i half = _mm256_xor_si256(s, _mm256_and_si256(carried, _mm256_set1_epi16(0x4000)));
      w[j] = _mm256_cvtph_ps(_mm256_castsi256_si128(half));
      w[j + 1] = _mm256_cvtph_ps(_mm256_extracti128_si256(half, 1));
    }
  }
  static FATHOM_INLINE void pack(const float* x, float factor, float* out) noexcept {
    for (int j = 0; j < kGroup; j += kWidth)
      store(out + j, mul(mul(load(x + j), set1(256.0F)), set1(factor)));
  }
};

// The two bytes of each value's bfloat16 come from two 16-entry byte tables. Lane order within eight
// elements: even ones, then odd ones.
struct Fp4 {
  using Lane = float;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 16;
  static constexpr ScalesIn kScalesIn = ScalesIn::kWeights;
  static constexpr int64_t kDirectRows = 4;
  static FATHOM_INLINE __m256i both_lanes(__m128i table) noexcept {
    return _mm256_broadcastsi128_si256(table);
  }
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t* scale, Vec* w) noexcept {
    const __m256i high = both_lanes(_mm_setr_epi8(0x00, 0x3f, 0x3f, 0x3f, 0x40, 0x40, 0x40, 0x40, -0x80,
                                                  -0x41, -0x41, -0x41, -0x40, -0x40, -0x40, -0x40));
    const __m256i low = both_lanes(_mm_setr_epi8(0x00, 0x00, -0x80, -0x40, 0x00, 0x40, -0x80, -0x40, 0x00,
                                                 0x00, -0x80, -0x40, 0x00, 0x40, -0x80, -0x40));
    const __m256i twice = both_lanes(load_16_bytes(bytes));
    // Lower half: even elements, upper half: odd ones.
    const __m256i nibbles =
        _mm256_and_si256(_mm256_srlv_epi64(twice, _mm256_setr_epi64x(0, 0, 4, 4)), _mm256_set1_epi8(15));
    const __m256i high_bytes = _mm256_shuffle_epi8(high, nibbles);
    const __m256i low_bytes = _mm256_shuffle_epi8(low, nibbles);
    const __m256i first = _mm256_unpacklo_epi8(low_bytes, high_bytes);
    const __m256i second = _mm256_unpackhi_epi8(low_bytes, high_bytes);
    const __m256i none = _mm256_setzero_si256();
    const Vec factor = set1(kScales.value[*scale]);
    w[0] = mul(_mm256_castsi256_ps(_mm256_unpacklo_epi16(none, first)), factor);
    w[1] = mul(_mm256_castsi256_ps(_mm256_unpackhi_epi16(none, first)), factor);
    w[2] = mul(_mm256_castsi256_ps(_mm256_unpacklo_epi16(none, second)), factor);
    w[3] = mul(_mm256_castsi256_ps(_mm256_unpackhi_epi16(none, second)), factor);
  }
  static FATHOM_INLINE void pack(const float* x, float, float* out) noexcept {
    const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    for (int j = 0; j < kGroup; j += kWidth) store(out + j, _mm256_permutevar8x32_ps(load(x + j), order));
  }
};

}  // namespace

extern constinit const LinearKernels kLinearAvx2 = {linear<F32>, linear<Bf16>, linear<Fp8>, linear<Fp4>};

}  // namespace fathom
