// SPDX-License-Identifier: MIT
// parallel_rows: independent work per row, split over the pool; a single row stays on the caller without a
// barrier.
#pragma once

#include <cstdint>

#include "base/thread_pool.h"

namespace fathom {

// Rows of element-wise work below which a barrier costs more than it saves (a row takes 1 to 5 us).
inline constexpr int64_t kMinSharedRows = 16;

// Calls work(row, worker) once for every row in [0, rows); rows must not depend on each other.
template <typename Work>
void parallel_rows(ThreadPool& pool, int64_t rows, const Work& work) noexcept {
  if (rows < kMinSharedRows) {
    for (int64_t row = 0; row < rows; ++row) work(row, 0);
    return;
  }
  pool.run([&](int worker) {
    const PartRange part = part_range(rows, worker, pool.size());
    for (int64_t row = part.begin; row < part.end; ++row) work(row, worker);
  });
}

}  // namespace fathom
