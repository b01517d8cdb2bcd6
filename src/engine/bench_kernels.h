// SPDX-License-Identifier: MIT
// Cases of single matrices: one FP8, FP4 or BF16 matrix larger than the caches times M rows (performance.md
// 2, P3).
#pragma once

#include <memory>
#include <vector>

#include "engine/bench.h"

namespace fathom {

struct KernelBenchOptions {
  double seconds = 0.1;                               // least time of one measurement
  int64_t weight_bytes = 0;                           // 0: four times the last-level caches, 128 MB to 1 GB
  std::vector<int64_t> rows = {1, 2, 4, 8, 64, 512};  // M
};

Result<std::vector<std::unique_ptr<BenchCase>>> kernel_cases(const KernelBenchOptions& options,
                                                             ThreadPool& pool);

}  // namespace fathom
