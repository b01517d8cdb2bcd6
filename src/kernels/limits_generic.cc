// SPDX-License-Identifier: MIT
// Limits of the generic tier: what the compiler makes of plain C++.
#include <cstring>

#include "kernels/limit_kernels.h"

namespace fathom {
namespace {

constexpr int64_t kStreams = 4;
constexpr int kLanes = 32;  // enough independent sums to hide the latency of an addition
constexpr int kSteps = 8;   // per round

uint64_t load(const std::byte* data) noexcept {
  uint64_t word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

// Each lane of each round: sum = sum * factor + addend, as the generic kernels compute (no fused operation).
float fp32(int64_t rounds) noexcept {
  float sums[kLanes] = {};
  for (int64_t round = 0; round < rounds; ++round) {
    const float factor = 0.5F + static_cast<float>(round & 1) * 0.25F;
    for (int step = 0; step < kSteps; ++step) {
      for (float& sum : sums) sum = sum * factor + 1.0F;
    }
  }
  float total = 0.0F;
  for (const float sum : sums) total += sum;
  return total;
}

}  // namespace

uint64_t read_one_stream_generic(const std::byte* data, int64_t bytes) noexcept {
  uint64_t sums[8] = {};
  for (int64_t i = 0; i < bytes; i += 64) {
    for (int64_t word = 0; word < 8; ++word) sums[word] += load(data + i + 8 * word);
  }
  uint64_t total = 0;
  for (const uint64_t sum : sums) total += sum;
  return total;
}

uint64_t read_four_streams_generic(const std::byte* data, int64_t bytes) noexcept {
  const int64_t part = bytes / kStreams;
  uint64_t sums[kStreams][8] = {};
  for (int64_t i = 0; i < part; i += 64) {
    for (int64_t stream = 0; stream < kStreams; ++stream) {
      __builtin_prefetch(data + stream * part + i + 1024);
      for (int64_t word = 0; word < 8; ++word)
        sums[stream][word] += load(data + stream * part + i + 8 * word);
    }
  }
  uint64_t total = 0;
  for (const auto& stream : sums) {
    for (const uint64_t sum : stream) total += sum;
  }
  return total;
}

constinit const ArithmeticUnit kFp32UnitGeneric = {"fp32", int64_t{2} * kLanes* kSteps, fp32};

}  // namespace fathom
