// SPDX-License-Identifier: MIT
// Limits of the AVX2 tier.
#include <immintrin.h>

#include "kernels/limit_kernels.h"

namespace fathom {
namespace {

constexpr int64_t kStreams = 4;
constexpr int64_t kPrefetchBytes = 1024;
// Two units with four cycles of latency need eight sums in flight; twelve fit the registers beside the
// factors.
constexpr int kSums = 12;
constexpr int kSteps = 8;  // per round

__attribute__((always_inline)) inline __m256i load(const std::byte* data) noexcept {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(data));
}

__attribute__((always_inline)) inline uint64_t fold(__m256i v) noexcept {
  return static_cast<uint64_t>(_mm256_extract_epi64(v, 0)) ^
         static_cast<uint64_t>(_mm256_extract_epi64(v, 1)) ^
         static_cast<uint64_t>(_mm256_extract_epi64(v, 2)) ^
         static_cast<uint64_t>(_mm256_extract_epi64(v, 3));
}

float fp32(int64_t rounds) noexcept {
  __m256 sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = _mm256_set1_ps(static_cast<float>(i));
  const __m256 factor = _mm256_set1_ps(0.5F);
  const __m256 addend = _mm256_set1_ps(1.0F);
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 8
    for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
      for (int i = 0; i < kSums; ++i) sums[i] = _mm256_fmadd_ps(sums[i], factor, addend);
    }
  }
  __m256 total = sums[0];
  for (int i = 1; i < kSums; ++i) total = _mm256_add_ps(total, sums[i]);
  return _mm256_cvtss_f32(total);
}

}  // namespace

uint64_t read_one_stream_avx2(const std::byte* data, int64_t bytes) noexcept {
  __m256i a = _mm256_setzero_si256();
  __m256i b = a;
  for (int64_t i = 0; i < bytes; i += 64) {
    a = _mm256_xor_si256(a, load(data + i));
    b = _mm256_xor_si256(b, load(data + i + 32));
  }
  return fold(_mm256_xor_si256(a, b));
}

uint64_t read_four_streams_avx2(const std::byte* data, int64_t bytes) noexcept {
  const int64_t part = bytes / kStreams;
  __m256i sums[kStreams] = {};
  for (int64_t i = 0; i < part; i += 64) {
#pragma GCC unroll 4
    for (int64_t stream = 0; stream < kStreams; ++stream) {
      const std::byte* at = data + stream * part + i;
      __builtin_prefetch(at + kPrefetchBytes);
      sums[stream] = _mm256_xor_si256(sums[stream], _mm256_xor_si256(load(at), load(at + 32)));
    }
  }
  return fold(_mm256_xor_si256(_mm256_xor_si256(sums[0], sums[1]), _mm256_xor_si256(sums[2], sums[3])));
}

constinit const ArithmeticUnit kFp32UnitAvx2 = {"fp32", int64_t{2} * 8 * kSums* kSteps, fp32};

}  // namespace fathom
