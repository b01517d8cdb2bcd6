// SPDX-License-Identifier: MIT
// What the Formats of linear_formats_bf16_pairs.h are made from: FP8 and FP4 codes as the bytes and words of
// bfloat16, orders of words, and the scales that products of pairs take. Internal linkage, always inlined
// (design.md 7).
#pragma once

#include "kernels/simd_avx512_bf16.h"
//
#include "kernels/linear_operands_simd.h"

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

}  // namespace
}  // namespace fathom
