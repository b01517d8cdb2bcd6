// SPDX-License-Identifier: MIT
#include "base/counter_rng.h"
#include "bench/micro/micro.h"

namespace fathom::micro {

std::vector<float> random_values(int64_t count, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    uint64_t word = random_bits(seed, static_cast<uint64_t>(i));
    float sum = -2.0F;
    for (int part = 0; part < 4; ++part, word >>= 16) sum += static_cast<float>(word & 0xffffU) / 65536.0F;
    values[static_cast<size_t>(i)] = sum * 1.7320508F;
  }
  return values;
}

std::vector<uint8_t> random_bytes(int64_t count, uint64_t seed, uint8_t mask) {
  std::vector<uint8_t> bytes(static_cast<size_t>(count));
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(random_bits(seed, i / 8) >> (i % 8 * 8) & mask);
  return bytes;
}

}  // namespace fathom::micro
