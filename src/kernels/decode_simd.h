// SPDX-License-Identifier: MIT
// Packed rows to f32 with AVX2 instructions, for every x86 SIMD tier. Internal linkage, so each tier has its
// own copy (design.md 7). Codes are never NaN: rows are packed by our own quantiser.
#pragma once

#include <immintrin.h>

#include "kernels/kernel_table.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// 2^(byte - 127) for bytes 1 ... 254; byte 0 is 2^-127, a subnormal.
inline __attribute__((always_inline)) float power_of_byte(uint8_t byte) noexcept {
  const uint32_t bits = byte == 0 ? 0x00400000U : uint32_t{byte} << 23;
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int>(bits))));
}

// One e4m3 code: shifted left by 7 it is the binary16 of 2^-8 its value, once bit 14, a copy of the sign, is
// cleared.
inline __attribute__((always_inline)) float fp8_value(uint8_t code) noexcept {
  const int half = (code & 0x80) << 8 | (code & 0x7f) << 7;
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half))) * 256.0F;
}

void decode_fp8(const uint8_t* codes, const uint8_t* scales, int64_t n, int64_t block, float* out) noexcept {
  for (int64_t first = 0; first < n; first += block, ++scales) {
    const int64_t end = first + block < n ? first + block : n;
    const float scale = power_of_byte(*scales);
    // Two steps: 256 * scale may leave the range of f32 where the value itself does not.
    const __m256 factor = _mm256_set1_ps(scale);
    const __m256 from_half = _mm256_set1_ps(256.0F);
    int64_t i = first;
    for (; i + 16 <= end; i += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i));
      const __m256i halves = _mm256_and_si256(_mm256_slli_epi16(_mm256_cvtepi8_epi16(bytes), 7),
                                              _mm256_set1_epi16(static_cast<int16_t>(0xbfff)));
      const __m256 low = _mm256_cvtph_ps(_mm256_castsi256_si128(halves));
      const __m256 high = _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1));
      _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_mul_ps(low, from_half), factor));
      _mm256_storeu_ps(out + i + 8, _mm256_mul_ps(_mm256_mul_ps(high, from_half), factor));
    }
    for (; i < end; ++i) out[i] = fp8_value(codes[i]) * scale;
  }
}

// Codes as twice their value: whole numbers from -12 to 12, by a 16-entry table of bytes.
inline __attribute__((always_inline)) __m128i doubled_fp4(__m128i nibbles) noexcept {
  const __m128i table = _mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
  return _mm_shuffle_epi8(table, nibbles);
}

inline __attribute__((always_inline)) void store_8_scaled(__m128i doubled, __m256 half_scale,
                                                          float* out) noexcept {
  _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(doubled)), half_scale));
}

void decode_fp4(const uint8_t* packed, const uint8_t* scales, int64_t n, float* out) noexcept {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32, ++scales) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(packed + i / 2));
    const __m128i mask = _mm_set1_epi8(15);
    const __m128i even = doubled_fp4(_mm_and_si128(bytes, mask));
    const __m128i odd = doubled_fp4(_mm_and_si128(_mm_srli_epi16(bytes, 4), mask));
    const __m128i first = _mm_unpacklo_epi8(even, odd);
    const __m128i second = _mm_unpackhi_epi8(even, odd);
    const __m256 half_scale = _mm256_set1_ps(power_of_byte(*scales) * 0.5F);
    store_8_scaled(first, half_scale, out + i);
    store_8_scaled(_mm_srli_si128(first, 8), half_scale, out + i + 8);
    store_8_scaled(second, half_scale, out + i + 16);
    store_8_scaled(_mm_srli_si128(second, 8), half_scale, out + i + 24);
  }
  constexpr int8_t kDoubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  for (; i < n; ++i) {
    const int nibble = i % 2 == 0 ? packed[i / 2] & 15 : packed[i / 2] >> 4;
    out[i] = static_cast<float>(kDoubled[nibble]) * (power_of_byte(*scales) * 0.5F);
  }
}

constexpr DecodeKernels kDecodeSimd = {decode_fp8, decode_fp4};

}  // namespace
}  // namespace fathom
