// SPDX-License-Identifier: MIT
// How FP8 and FP4 weights become bfloat16 values for products of pairs; linear_operands_simd.h says what a
// Format is. For x that is XPrecision::kBf16Exact. Internal linkage, always inlined (design.md 7).
//
// Codes are exact in bfloat16: 4 and 2 significant bits. Products of pairs flush subnormal numbers, so both
// Formats take only scales 2^-80 ... 2^100. Then nothing is lost: x is a multiple of 2^-31 and a code of
// 2^-9, so that every product, and every sum of products however rounded, is 0 or at least 2^-120, a normal
// number.
#pragma once

#include "kernels/simd_avx512_bf16.h"
//
#include "kernels/linear_formats_avx512.h"
#include "kernels/simd_math.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

constexpr int kLeastScale = 127 - 80;
constexpr int kGreatestScale = 127 + 100;

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

// The bfloat16 of every e2m1 code, twice: bit 4 of an index is not looked at.
constexpr WordTable kE2m1 = {{0x0000, 0x3f00, 0x3f80, 0x3fc0, 0x4000, 0x4040, 0x4080, 0x40c0,  //
                              0x8000, 0xbf00, 0xbf80, 0xbfc0, 0xc000, 0xc040, 0xc080, 0xc0c0,  //
                              0x0000, 0x3f00, 0x3f80, 0x3fc0, 0x4000, 0x4040, 0x4080, 0x40c0,  //
                              0x8000, 0xbf00, 0xbf80, 0xbfc0, 0xc000, 0xc040, 0xc080, 0xc0c0}};
constexpr __mmask32 kE2m1NotZero = 0xfefefefeu;

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

// In every 128-bit lane L: elements 4 L ... 4 L + 3 of a, then of b.
constexpr WordTable make_quarters_order() noexcept {
  WordTable table = {};
  for (int i = 0; i < 32; ++i) {
    const int element = i / 8 * 4 + i % 4;
    table.word[i] = static_cast<uint16_t>(2 * element + 1 + (i / 4 % 2) * 32);
  }
  return table;
}

constexpr WordTable kHalvesOrder = make_halves_order();
constexpr WordTable kQuartersOrder = make_quarters_order();

// Whether scale bytes lie within the range above, first those of the columns [k, k + count) of weight row n.
FATHOM_INLINE bool scales_in_range(const WeightView& w, int64_t n, int64_t k, int64_t count) noexcept {
  const uint8_t* scales = scales_at(w, n, k);
  const int64_t number = (count + w.block.cols - 1) / w.block.cols;  // of a chunk: at most 32
  const __mmask32 mask = number < 32 ? (1u << number) - 1u : ~0u;
  const __m256i above = _mm256_sub_epi8(_mm256_maskz_loadu_epi8(mask, scales),
                                        _mm256_set1_epi8(static_cast<char>(kLeastScale)));
  const __m256i range = _mm256_set1_epi8(static_cast<char>(kGreatestScale - kLeastScale));
  return _mm256_mask_cmpgt_epu8_mask(mask, above, range) == 0;
}

// The bytes of a value come from two tables by the code without its sign; bit 7 of the code is the sign. The
// scale is in the tables: its last bit chooses a pair of them, the rest is added to the upper bytes, whose
// last bit is worth two exponents. Lane order: of every 16 elements the first 8 in w[0] or w[2], the others
// in w[1] or w[3].
struct Fp8Pairs {
  using Lane = uint16_t;
  using Plain = Fp8;
  static constexpr int64_t kGroup = 128;
  static constexpr int64_t kGroupBytes = 128;
  static constexpr ScalesIn kScalesIn = ScalesIn::kWeights;
  static constexpr int64_t kDirectRows = 8;
  static FATHOM_INLINE bool takes(const WeightView& w, int64_t n, int64_t k, int64_t count) noexcept {
    return scales_in_range(w, n, k, count);
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
      const __m512i codes = _mm512_loadu_si512(bytes + 64 * j);
      const __m512i low = _mm512_permutex2var_epi8(low_0, codes, low_1);
      const __m512i magnitude = _mm512_permutex2var_epi8(high_0, codes, high_1);
      // a | (b & c)
      const __m512i high =
          _mm512_ternarylogic_epi32(magnitude, codes, _mm512_set1_epi8(static_cast<char>(0x80)), 0xf8);
      w[2 * j] = _mm512_unpacklo_epi8(low, high);
      w[2 * j + 1] = _mm512_unpackhi_epi8(low, high);
    }
  }
  static FATHOM_INLINE void pack(const float* x, float, uint16_t* out) noexcept {
    for (int j = 0; j < kGroup; j += 64) {
      const __m512i first = upper_halves(x + j, x + j + 16, kHalvesOrder);
      const __m512i second = upper_halves(x + j + 32, x + j + 48, kHalvesOrder);
      store_operand(out + j, _mm512_shuffle_i64x2(first, second, 0x44));
      store_operand(out + j + 32, _mm512_shuffle_i64x2(first, second, 0xee));
    }
  }
};

// Every 128-bit lane gets all 16 bytes and takes 4 nibbles of each half of them as 16-bit indices; the scale
// is added to the exponents in the table. Lane order: kQuartersOrder.
struct Fp4Pairs {
  using Lane = uint16_t;
  using Plain = Fp4;
  static constexpr int64_t kGroup = 32;
  static constexpr int64_t kGroupBytes = 16;
  static constexpr ScalesIn kScalesIn = ScalesIn::kWeights;
  static constexpr int64_t kDirectRows = 8;
  static FATHOM_INLINE bool takes(const WeightView& w, int64_t n, int64_t k, int64_t count) noexcept {
    return scales_in_range(w, n, k, count);
  }
  static FATHOM_INLINE void decode(const uint8_t* bytes, const uint8_t* scale, __m512i* w) noexcept {
    const __m512i all = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
    // Bit 16 L + 4 i of each half for element i of lane L.
    const __m512i places =
        _mm512_set_epi64(0x003c003800340030, 0x003c003800340030, 0x002c002800240020, 0x002c002800240020,
                         0x001c001800140010, 0x001c001800140010, 0x000c000800040000, 0x000c000800040000);
    const __m512i indices = _mm512_multishift_epi64_epi8(places, all);
    const __m512i codes = _mm512_loadu_si512(kE2m1.word);
    const __m512i exponent = _mm512_set1_epi16(static_cast<int16_t>((*scale - 127) * 128));
    const __m512i table = _mm512_mask_add_epi16(codes, kE2m1NotZero, codes, exponent);
    w[0] = _mm512_permutexvar_epi16(indices, table);
  }
  static FATHOM_INLINE void pack(const float* x, float, uint16_t* out) noexcept {
    store_operand(out, upper_halves(x, x + 16, kQuartersOrder));
  }
};

}  // namespace
}  // namespace fathom
