// SPDX-License-Identifier: MIT
// Random numbers as a function of (seed, counter): no state, so order and threads cannot change them
// (design.md 10.5).
#pragma once

#include <cstdint>

namespace fathom {

// SplitMix64's finaliser: a bijection on 64 bits whose every output bit depends on every input bit.
constexpr uint64_t mix_bits(uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

constexpr uint64_t random_bits(uint64_t seed, uint64_t counter) noexcept {
  return mix_bits(mix_bits(seed) ^ counter);
}

// Uniform in [0, 1), 53 bits.
constexpr double random_uniform(uint64_t seed, uint64_t counter) noexcept {
  return static_cast<double>(random_bits(seed, counter) >> 11) * 0x1p-53;
}

}  // namespace fathom
