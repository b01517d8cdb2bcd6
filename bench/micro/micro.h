// SPDX-License-Identifier: MIT
// What the micro benchmarks share: registering one per kernel, tier and shape, and buffers larger than the
// caches (docs/design.md 15). One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/dispatch.h"

namespace fathom::micro {

// The unit whose peak bounds a kernel.
enum class Unit : uint8_t { kFp32, kBf16, kInt8 };

// One benchmark: what a run reads from memory and computes.
struct Case {
  std::string kernel;
  std::string shape;
  double bytes = 0.0;  // from memory beyond the caches; 0: all operands stay in them
  double flops = 0.0;  // a multiply-add counts as two
  Unit unit = Unit::kFp32;
  std::function<void()> run;
};

struct Settings {
  int64_t buffer_bytes;  // least size of what must not fit the caches
  int64_t largest_rows;  // of x in a product
};

// Adds the cases of one tier.
using AddCase = std::function<void(Case)>;
void add_attention_cases(const KernelTable& table, const Settings& settings, const AddCase& add);
void add_linear_cases(const KernelTable& table, const Settings& settings, const AddCase& add);
void add_row_cases(const KernelTable& table, const Settings& settings, const AddCase& add);

// Seeded values of a roughly normal shape.
std::vector<float> random_values(int64_t count, uint64_t seed);
// Seeded bytes, each kept by `mask`.
std::vector<uint8_t> random_bytes(int64_t count, uint64_t seed, uint8_t mask);

}  // namespace fathom::micro
