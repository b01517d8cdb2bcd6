// SPDX-License-Identifier: MIT
// Limits of the AVX-512 tiers. The dot-product units are extensions that not every CPU of these tiers has, so
// their functions alone are built for them.
#include <immintrin.h>

#include "kernels/limit_kernels.h"

namespace fathom {
namespace {

constexpr int64_t kStreams = 4;
constexpr int64_t kPrefetchBytes = 1024;
// Two units with up to six cycles of latency need twelve sums in flight.
constexpr int kSums = 16;
constexpr int kSteps = 8;  // per round

__attribute__((always_inline)) inline __m512i load(const std::byte* data) noexcept {
  return _mm512_load_si512(data);
}

__attribute__((always_inline)) inline uint64_t fold(__m512i v) noexcept {
  return static_cast<uint64_t>(_mm512_reduce_add_epi64(v));
}

float fp32(int64_t rounds) noexcept {
  __m512 sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));
  const __m512 factor = _mm512_set1_ps(0.5F);
  const __m512 addend = _mm512_set1_ps(1.0F);
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 8
    for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 16
      for (int i = 0; i < kSums; ++i) sums[i] = _mm512_fmadd_ps(sums[i], factor, addend);
    }
  }
  __m512 total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm512_add_ps(total, sums[i]);
  return _mm512_cvtss_f32(total);
}

__attribute__((target("avx512bf16"))) float bf16(int64_t rounds) noexcept {
  __m512 sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));
  // Two bf16 ones in each lane.
  const auto ones = __m512bh(_mm512_set1_epi32(0x3f803f80));
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 8
    for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 16
      for (int i = 0; i < kSums; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], ones, ones);
    }
  }
  __m512 total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm512_add_ps(total, sums[i]);
  return _mm512_cvtss_f32(total);
}

__attribute__((target("avx512vnni"))) float int8(int64_t rounds) noexcept {
  __m512i sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = _mm512_set1_epi32(i);
  const __m512i ones = _mm512_set1_epi8(1);
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 8
    for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 16
      for (int i = 0; i < kSums; ++i) sums[i] = _mm512_dpbusd_epi32(sums[i], ones, ones);
    }
  }
  __m512i total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm512_add_epi32(total, sums[i]);
  return static_cast<float>(_mm512_cvtsi512_si32(total));
}

constexpr int64_t kLaneSteps = int64_t{kSums} * kSteps * 16;

}  // namespace

uint64_t read_one_stream_avx512(const std::byte* data, int64_t bytes) noexcept {
  __m512i a = _mm512_setzero_si512();
  __m512i b = a;
  for (int64_t i = 0; i < bytes; i += 128) {
    a = _mm512_xor_si512(a, load(data + i));
    b = _mm512_xor_si512(b, load(data + i + 64));
  }
  return fold(_mm512_xor_si512(a, b));
}

uint64_t read_four_streams_avx512(const std::byte* data, int64_t bytes) noexcept {
  const int64_t part = bytes / kStreams;
  __m512i sums[kStreams] = {};
  for (int64_t i = 0; i < part; i += 64) {
#pragma GCC unroll 4
    for (int64_t stream = 0; stream < kStreams; ++stream) {
      const std::byte* at = data + stream * part + i;
      __builtin_prefetch(at + kPrefetchBytes);
      sums[stream] = _mm512_xor_si512(sums[stream], load(at));
    }
  }
  return fold(_mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3])));
}

constinit const ArithmeticUnit kFp32UnitAvx512 = {"fp32", 2 * kLaneSteps, fp32};
constinit const ArithmeticUnit kBf16UnitAvx512 = {"bf16", 4 * kLaneSteps, bf16};
constinit const ArithmeticUnit kInt8UnitAvx512 = {"int8", 8 * kLaneSteps, int8};

}  // namespace fathom
