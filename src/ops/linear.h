// SPDX-License-Identifier: MIT
// linear: y = x W^T for weights as they lie in the checkpoint (architecture.md 9).
//
// Each output element is summed by one worker in an order fixed by the tier, so values depend neither on the
// number of rows of x nor on the number of workers (design.md 10.1).
#pragma once

#include <span>

#include "base/thread_pool.h"
#include "base/view.h"
#include "numeric/weight_view.h"

namespace fathom {

// One product of a stage: y [T, w.rows] = x [T, w.cols] w^T. A borrowed description.
struct LinearJob {
  MatView<const float> x;
  const WeightView* w = nullptr;
  MatView<float> y;
  XPrecision x_precision = XPrecision::kF32;  // kBf16Exact where x went through quantize_activations
};

// What one product costs: the bytes of its weights and its multiply-adds.
StageWork linear_work(const LinearJob& job) noexcept;

// Runs all jobs as one stage; every worker takes the same share of each job's weight rows.
void linear(ThreadPool& pool, std::span<const LinearJob> jobs) noexcept;
inline void linear(ThreadPool& pool, const LinearJob& job) noexcept { linear(pool, {&job, 1}); }

// The columns [row_begin, row_end) of y, on the calling thread.
void linear_rows(const LinearJob& job, int64_t row_begin, int64_t row_end) noexcept;

// Row `row` of a kF32 or kBf16 matrix as f32: the embedding lookup. out [w.cols].
void weight_row(const WeightView& w, int64_t row, std::span<float> out) noexcept;

}  // namespace fathom
