// SPDX-License-Identifier: MIT
// How FP8 and FP4 weights become bfloat16 values for products of pairs; linear_operands_simd.h says what a
// Format is. For x that is XPrecision::kBf16Exact. Internal linkage, always inlined (design.md 7).
//
// Codes are exact in bfloat16: 4 and 2 significant bits. Products of pairs flush subnormal numbers, so both
// Formats take only scales from 2^-80 on. Then nothing is lost: x is a multiple of 2^-31 and a code of
// 2^-9, so that every product, and every sum of products however rounded, is 0 or at least 2^-120, a normal
// number. Up to 2^100 with FP4, up to 2^6 with FP8, whose scales may be multiplied into x, |x| < 2^121.
#pragma once

#include "kernels/bf16_tables.h"
#include "kernels/linear_formats_avx512.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// The direct path of FP8: the scale is in x, so that the tables stay the same.
struct Fp8PairsScaledX {
  struct Line {
    __m512i low, high;  // bytes
  };
  using Lane = uint16_t;
  using Plain = Fp8;
  static constexpr int64_t kGroup = 64;
  static constexpr int64_t kGroupBytes = 64;
  static constexpr ScalesIn kScalesIn = ScalesIn::kX;
  static FATHOM_INLINE bool takes(const WeightView& w, int64_t n, int64_t k, int64_t count) noexcept {
    return scales_in_range(w, n, k, count, kGreatestFp8Scale);
  }
  static FATHOM_INLINE Line line(const uint8_t* bytes, const uint8_t*, int64_t) noexcept {
    const E4m3Tables& t = kE4m3Tables[0];
    const __m512i codes = load_once(bytes);
    return {_mm512_permutex2var_epi8(_mm512_load_si512(t.low), codes, _mm512_load_si512(t.low + 64)),
            upper_bytes(codes, _mm512_load_si512(t.high), _mm512_load_si512(t.high + 64))};
  }
  static FATHOM_INLINE __m512i vec(const Line& line, int j) noexcept {
    return j == 0 ? _mm512_unpacklo_epi8(line.low, line.high) : _mm512_unpackhi_epi8(line.low, line.high);
  }
  static FATHOM_INLINE __m512i scaled_halves(const float* x, Vec factor) noexcept {
    const __m512i a = _mm512_castps_si512(mul(load(x), factor));
    const __m512i b = _mm512_castps_si512(mul(load(x + 16), factor));
    return _mm512_permutex2var_epi16(a, _mm512_loadu_si512(kHalvesOrder.word), b);
  }
  static FATHOM_INLINE void pack(const float* x, float factor, uint16_t* out) noexcept {
    pack_halves(scaled_halves(x, set1(factor)), scaled_halves(x + 32, set1(factor)), out);
  }
};

// The bytes of a value come from two tables by the code without its sign; bit 7 of the code is the sign. The
// scale is in the tables: its last bit chooses a pair of them, the rest is added to the upper bytes, whose
// last bit is worth two exponents. Lane order: of every 16 elements the first 8 in w[0] or w[2], the others
// in w[1] or w[3].
struct Fp8Pairs {
  using Lane = uint16_t;
  using Plain = Fp8;
  using Direct = Fp8PairsScaledX;
  static constexpr int64_t kGroup = 128;
  static constexpr int64_t kGroupBytes = 128;
  static constexpr ScalesIn kScalesIn = ScalesIn::kWeights;
  static constexpr int64_t kDirectRows = 8;
  static FATHOM_INLINE bool takes(const WeightView& w, int64_t n, int64_t k, int64_t count) noexcept {
    return scales_in_range(w, n, k, count, kGreatestFp8Scale);
  }
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t* scale, __m512i* w) noexcept {
    const int power = *scale - 127;
    const E4m3Tables& tables = kE4m3Tables[power & 1];
    const __m512i low_0 = _mm512_loadu_si512(tables.low);
    const __m512i low_1 = _mm512_loadu_si512(tables.low + 64);
    const __m512i add = _mm512_set1_epi8(static_cast<char>(power >> 1));
    const __m512i first = _mm512_loadu_si512(tables.high);
    const __m512i second = _mm512_loadu_si512(tables.high + 64);
    const __m512i high_0 = _mm512_mask_add_epi8(first, ~__mmask64{1}, first, add);         // zero stays
    const __m512i high_1 = _mm512_mask_add_epi8(second, ~__mmask64{0} >> 1, second, add);  // NaN stays
    FATHOM_UNROLL
    for (int j = 0; j < 2; ++j) {
      const __m512i codes = load_once(bytes + 64 * j);
      const __m512i low = _mm512_permutex2var_epi8(low_0, codes, low_1);
      const __m512i high = upper_bytes(codes, high_0, high_1);
      w[2 * j] = _mm512_unpacklo_epi8(low, high);
      w[2 * j + 1] = _mm512_unpackhi_epi8(low, high);
    }
  }
  static FATHOM_INLINE void pack(const float* x, float, uint16_t* out) noexcept {
    for (int j = 0; j < kGroup; j += 64) {
      pack_halves(upper_halves(x + j, x + j + 16, kHalvesOrder),
                  upper_halves(x + j + 32, x + j + 48, kHalvesOrder), out + j);
    }
  }
};

// A line of 64 bytes holds four nibbles in each of 32 words, and those of one scale in each 128-bit lane:
// vector j is nibble j of every word, looked up. Table values carry the greatest scale, and what that is too
// much is taken off the exponents; a zero saturates at 0.
struct Fp4Pairs {
  struct Line {
    __m512i codes, excess;
  };
  using Scales = __m512i;  // what the exponent of the greatest scale is above that of each, as words
  using Lane = uint16_t;
  using Plain = Fp4;
  static constexpr int64_t kGroup = 128;
  static constexpr int64_t kGroupBytes = 64;
  static constexpr ScalesIn kScalesIn = ScalesIn::kWeights;
  static constexpr int64_t kDirectRows = 8;
  static FATHOM_INLINE bool takes(const WeightView& w, int64_t n, int64_t k, int64_t count) noexcept {
    return scales_in_range(w, n, k, count, kGreatestFp4Scale);
  }
  static FATHOM_INLINE Scales scales(const uint8_t* bytes, int64_t count) noexcept {
    __m256i codes = _mm256_set1_epi8(127);  // beyond the columns: one
    if (count > 31 * kScaleGroup) {
      codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
    } else {
      codes = _mm256_mask_loadu_epi8(codes, first_bytes((count + kScaleGroup - 1) / kScaleGroup), bytes);
    }
    const __m512i words = _mm512_cvtepu8_epi16(codes);
    return _mm512_slli_epi16(_mm512_sub_epi16(_mm512_set1_epi16(kGreatestFp4Scale), words), 7);
  }
  static FATHOM_INLINE Scales worst(const Scales& a, const Scales& b) noexcept {
    return _mm512_max_epu16(a, b);
  }
  static FATHOM_INLINE bool takes(const Scales& worst) noexcept {
    const __m512i most = _mm512_set1_epi16((kGreatestFp4Scale - kLeastScale) << 7);
    return _mm512_cmpgt_epu16_mask(worst, most) == 0;  // above the greatest: negative, so large
  }
  static FATHOM_INLINE Line line(const uint8_t* bytes, const Scales& scales, int64_t g) noexcept {
    const __m512i lane = _mm512_set_epi64(0x0003000300030003, 0x0003000300030003, 0x0002000200020002,
                                          0x0002000200020002, 0x0001000100010001, 0x0001000100010001, 0, 0);
    const __m512i order = _mm512_add_epi16(lane, _mm512_set1_epi16(static_cast<int16_t>(4 * g)));
    return {load_once(bytes), _mm512_permutexvar_epi16(order, scales)};
  }
  static FATHOM_INLINE __m512i vec(Line& line, int) noexcept {
    const __m512i words = _mm512_permutexvar_epi16(line.codes, _mm512_load_si512(kE2m1.word));
    line.codes = _mm512_srli_epi16(line.codes, 4);
    return _mm512_subs_epu16(words, line.excess);
  }
  // Element 4 i + j to lane i of vector j.
  static FATHOM_INLINE void pack(const float* x, float, uint16_t* out) noexcept {
    __m512i v[4];
    for (int j = 0; j < 4; ++j) v[j] = upper_halves(x + 32 * j, x + 32 * j + 16, kOddOrder);
    const __m512i even_01 = _mm512_permutex2var_epi16(v[0], _mm512_loadu_si512(kEvenOrder.word), v[1]);
    const __m512i odd_01 = _mm512_permutex2var_epi16(v[0], _mm512_loadu_si512(kOddOrder.word), v[1]);
    const __m512i even_23 = _mm512_permutex2var_epi16(v[2], _mm512_loadu_si512(kEvenOrder.word), v[3]);
    const __m512i odd_23 = _mm512_permutex2var_epi16(v[2], _mm512_loadu_si512(kOddOrder.word), v[3]);
    store_operand(out, _mm512_permutex2var_epi16(even_01, _mm512_loadu_si512(kEvenOrder.word), even_23));
    store_operand(out + 32, _mm512_permutex2var_epi16(odd_01, _mm512_loadu_si512(kEvenOrder.word), odd_23));
    store_operand(out + 64, _mm512_permutex2var_epi16(even_01, _mm512_loadu_si512(kOddOrder.word), even_23));
    store_operand(out + 96, _mm512_permutex2var_epi16(odd_01, _mm512_loadu_si512(kOddOrder.word), odd_23));
  }
};

}  // namespace
}  // namespace fathom
