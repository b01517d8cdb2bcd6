// SPDX-License-Identifier: MIT
// Sums over rows in a fixed number of slices: each slice is summed by one worker, slices are added in order,
// so the result does not depend on the number of workers (design.md 10.6).
#pragma once

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "base/view.h"

namespace fathom {

inline constexpr int kSlices = 16;

// Calls work(slice, rows, worker) for each slice's PartRange of [0, rows); empty slices too.
template <typename Work>
void for_slices(ThreadPool& pool, int64_t rows, const Work& work) noexcept {
  pool.run([&](int worker) {
    for (int slice = worker; slice < kSlices; slice += pool.size()) {
      work(slice, part_range(rows, slice, kSlices), worker);
    }
  });
}

// out [w] += the sum of the first w columns of partials [kSlices, >= w], slice after slice.
void add_slices(MatView<const float> partials, std::span<float> out) noexcept;

}  // namespace fathom
