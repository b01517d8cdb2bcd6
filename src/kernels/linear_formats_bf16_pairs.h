// SPDX-License-Identifier: MIT
// How FP8 and FP4 weights become bfloat16 values for products of pairs; linear_operands_simd.h says what a
// Format is. For x that is XPrecision::kBf16Exact. Internal linkage, always inlined (design.md 7).
//
// Codes are exact in bfloat16: 4 and 2 significant bits. Products of pairs flush subnormal numbers, so both
// Formats take only scales from 2^-80 on. Then nothing is lost: x is a multiple of 2^-31 and a code of
// 2^-9, so that every product, and every sum of products however rounded, is 0 or at least 2^-120, a normal
// number. Up to 2^100 with FP4, up to 2^6 with FP8, whose scales may be multiplied into x, |x| < 2^121.
#pragma once

#include "kernels/simd_avx512_bf16.h"
//
#include "kernels/linear_formats_avx512.h"
#include "kernels/simd_math.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

constexpr int kLeastScale = 127 - 80;
constexpr int kGreatestFp8Scale = 127 + 6;
constexpr int kGreatestFp4Scale = 127 + 100;

struct WordTable {
  uint16_t word[32];
};

struct E4m3Tables {
  uint8_t low[128];
  uint8_t high[128];
};

// The bytes of code * 2^power in bfloat16, for a code without its sign; power 0 or 1.
constexpr uint16_t bf16_of_e4m3(int code, int power) noexcept {
  int biased = (code >> 3) - 7 + 127 + power;
  int mantissa = code & 7;
  if (code == 0x7f) return 0x7fc0;
  if (code == 0) return 0;
  if (code < 8) {
    // m * 2^-9 with m in [1, 7]: shifted until the leading bit stands above the three mantissa bits.
    for (++biased; mantissa < 8; mantissa *= 2) --biased;
    mantissa &= 7;
  }
  return static_cast<uint16_t>((biased << 7) | (mantissa << 4));
}

constexpr E4m3Tables make_e4m3_tables(int power) noexcept {
  E4m3Tables tables = {};
  for (int code = 0; code < 128; ++code) {
    tables.low[code] = static_cast<uint8_t>(bf16_of_e4m3(code, power) & 0xff);
    tables.high[code] = static_cast<uint8_t>(bf16_of_e4m3(code, power) >> 8);
  }
  return tables;
}

alignas(64) constexpr E4m3Tables kE4m3Tables[2] = {make_e4m3_tables(0), make_e4m3_tables(1)};

// The bfloat16 of every e2m1 code times the greatest scale, twice: bit 4 of an index is not looked at. Both
// zeros are 0.
constexpr WordTable make_e2m1_table() noexcept {
  constexpr uint16_t kMagnitudes[8] = {0x0000, 0x3f00, 0x3f80, 0x3fc0, 0x4000, 0x4040, 0x4080, 0x40c0};
  WordTable table = {};
  for (int i = 0; i < 32; ++i) {
    if (i % 8 == 0) continue;
    const int word = kMagnitudes[i % 8] + (kGreatestFp4Scale - 127) * 128;
    table.word[i] = static_cast<uint16_t>(i / 8 % 2 == 0 ? word : word | 0x8000);
  }
  return table;
}

alignas(64) constexpr WordTable kE2m1 = make_e2m1_table();

// Upper halves of f32 pairs (a, b): their values, where these are exact in bfloat16. `order` as in
// _mm512_permutex2var_epi16.
FATHOM_INLINE __m512i upper_halves(const float* a, const float* b, const WordTable& order) noexcept {
  return _mm512_permutex2var_epi16(_mm512_loadu_si512(a), _mm512_loadu_si512(order.word),
                                   _mm512_loadu_si512(b));
}

// Elements 0-7 of a, of b, then 8-15 of a, of b.
constexpr WordTable make_halves_order() noexcept {
  WordTable table = {};
  for (int i = 0; i < 32; ++i) {
    const int element = i % 8 + i / 16 * 8;
    table.word[i] = static_cast<uint16_t>(2 * element + 1 + (i / 8 % 2) * 32);
  }
  return table;
}

constexpr WordTable kHalvesOrder = make_halves_order();

// Words first, first + step, ... of two vectors.
constexpr WordTable make_order(int first, int step) noexcept {
  WordTable table = {};
  for (int i = 0; i < 32; ++i) table.word[i] = static_cast<uint16_t>(first + step * i);
  return table;
}

constexpr WordTable kEvenOrder = make_order(0, 2);  // even words of 64
constexpr WordTable kOddOrder = make_order(1, 2);   // odd words, so the upper halves of 32 f32

// The first `number` lanes, 0 < number <= 32.
FATHOM_INLINE __mmask32 first_bytes(int64_t number) noexcept {
  return number < 32 ? (1u << number) - 1u : ~0u;
}

// Whether the scale bytes of the columns [k, k + count), at most a chunk, of weight row n lie within
// kLeastScale ... greatest.
FATHOM_INLINE bool scales_in_range(const WeightView& w, int64_t n, int64_t k, int64_t count,
                                   int greatest) noexcept {
  const int64_t columns = w.block.rows == 1 ? kScaleGroup : kScaleBlock;
  const __mmask32 mask = first_bytes((count + columns - 1) / columns);
  const __m256i above = _mm256_sub_epi8(_mm256_maskz_loadu_epi8(mask, scales_at(w, n, k)),
                                        _mm256_set1_epi8(static_cast<char>(kLeastScale)));
  const __m256i range = _mm256_set1_epi8(static_cast<char>(greatest - kLeastScale));
  return _mm256_mask_cmpgt_epu8_mask(mask, above, range) == 0;
}

// The upper bytes of the words of two tables of bfloat16 bytes by the code without its sign, bit 7 of a code
// in front.
FATHOM_INLINE __m512i upper_bytes(__m512i codes, __m512i high_0, __m512i high_1) noexcept {
  const __m512i magnitude = _mm512_permutex2var_epi8(high_0, codes, high_1);
  // a | (b & c)
  return _mm512_ternarylogic_epi32(magnitude, codes, _mm512_set1_epi8(static_cast<char>(0x80)), 0xf8);
}

// 64 elements of x in the lane order of FP8: of every 16 elements the first 8 in the first vector, the others
// in the second.
FATHOM_INLINE void pack_halves(__m512i first, __m512i second, uint16_t* out) noexcept {
  store_operand(out, _mm512_shuffle_i64x2(first, second, 0x44));
  store_operand(out + 32, _mm512_shuffle_i64x2(first, second, 0xee));
}

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
