// SPDX-License-Identifier: MIT
#include "ops/linear_backward.h"

#include "ops/vector_math.h"

namespace fathom {
namespace {

// Rows per unit of the split: whole tiles of the product kernel, whole cache lines of a result.
constexpr int64_t kSplitRows = 48;

StageWork product_work(int64_t m, int64_t n, int64_t k) noexcept { return StageWork::of(0, m * n * k); }

}  // namespace

void add_input_gradient_part(MatView<const float> d_y, MatView<const float> w, MatView<float> d_x, int worker,
                             int workers) noexcept {
  const PartRange part = part_range(d_y.rows, worker, workers, kSplitRows);
  const int64_t rows = part.end - part.begin;
  if (rows > 0) multiply_add(d_y.slice_rows(part.begin, rows), w, d_x.slice_rows(part.begin, rows));
}

void add_weight_gradient_part(MatView<const float> d_y, MatView<const float> x, MatView<float> d_w,
                              int worker, int workers) noexcept {
  const PartRange part = part_range(d_y.cols, worker, workers, kSplitRows);
  const int64_t rows = part.end - part.begin;
  if (rows > 0 && x.rows > 0) {
    transposed_multiply_add(d_y.slice_cols(part.begin, rows), x, d_w.slice_rows(part.begin, rows));
  }
}

void add_input_gradient(ThreadPool& pool, MatView<const float> d_y, MatView<const float> w,
                        MatView<float> d_x) noexcept {
  pool.run(product_work(d_y.rows, w.cols, w.rows),
           [&](int worker) { add_input_gradient_part(d_y, w, d_x, worker, pool.size()); });
}

void add_weight_gradient(ThreadPool& pool, MatView<const float> d_y, MatView<const float> x,
                         MatView<float> d_w) noexcept {
  pool.run(product_work(x.rows, d_w.cols, d_w.rows),
           [&](int worker) { add_weight_gradient_part(d_y, x, d_w, worker, pool.size()); });
}

}  // namespace fathom
