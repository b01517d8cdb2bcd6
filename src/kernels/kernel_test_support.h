// SPDX-License-Identifier: MIT
// What the tests of kernels/ share: the tiers that can run here, arrays between guard pages, seeded numbers,
// bounds. Tests only.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "base/check.h"
#include "kernels/dispatch.h"

namespace fathom {

// Every tier this CPU can run, generic first.
inline std::vector<const KernelTable*> runnable_tiers() {
  std::vector<const KernelTable*> tables;
  for (const TierInfo& tier : kernel_tiers()) {
    if (tier.missing.empty()) tables.push_back(tier.table);
  }
  return tables;
}

// Where an array lies between two pages that may not be touched.
struct Placement {
  bool at_end =
      true;        // the last element touches the guard behind; otherwise the first follows the guard before
  int offset = 0;  // elements between the guard before and the first one
};

// Three misalignments after the guard before; against the guard behind, the length decides the alignment.
inline constexpr Placement kPlacements[] = {{true, 0}, {false, 0}, {false, 1}, {false, 3}};

template <typename T>
class GuardedArray {
 public:
  GuardedArray(size_t count, Placement placement) : count_(count) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t used = (count + static_cast<size_t>(placement.offset)) * sizeof(T);
    const size_t inner = (used + page - 1) / page * page + page;
    mapped_ = inner + 2 * page;
    base_ = static_cast<std::byte*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    FATHOM_CHECK(base_ != MAP_FAILED);
    FATHOM_CHECK(mprotect(base_, page, PROT_NONE) == 0);
    FATHOM_CHECK(mprotect(base_ + page + inner, page, PROT_NONE) == 0);
    std::byte* first = placement.at_end ? base_ + page + inner - count * sizeof(T)
                                        : base_ + page + static_cast<size_t>(placement.offset) * sizeof(T);
    data_ = reinterpret_cast<T*>(first);
  }
  GuardedArray(std::span<const T> values, Placement placement) : GuardedArray(values.size(), placement) {
    if (!values.empty()) std::memcpy(data_, values.data(), values.size_bytes());
  }
  ~GuardedArray() { munmap(base_, mapped_); }
  GuardedArray(const GuardedArray&) = delete;
  GuardedArray& operator=(const GuardedArray&) = delete;

  T* data() noexcept { return data_; }
  size_t size() const noexcept { return count_; }
  T& operator[](size_t i) noexcept { return data_[i]; }
  std::vector<T> copy() const { return {data_, data_ + count_}; }

 private:
  std::byte* base_ = nullptr;
  size_t mapped_ = 0;
  T* data_ = nullptr;
  size_t count_ = 0;
};

// Normal values times a random power of two in [2^-spread, 2^spread].
inline std::vector<float> random_floats(size_t count, unsigned seed, int spread = 0) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) {
    const int exponent =
        spread == 0 ? 0 : static_cast<int>(rng() % static_cast<unsigned>(2 * spread + 1)) - spread;
    v = std::ldexp(normal(rng), exponent);
  }
  return values;
}

// Every length up to two vectors of the widest tier and two weight groups, then odd larger ones.
inline std::vector<int64_t> test_lengths() {
  std::vector<int64_t> lengths;
  for (int64_t n = 1; n <= 66; ++n) lengths.push_back(n);
  for (const int64_t n : {97, 128, 129, 255, 513, 1000, 4099}) lengths.push_back(n);
  return lengths;
}

inline bool same_bits(float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace fathom
