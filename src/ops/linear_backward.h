// SPDX-License-Identifier: MIT
// Gradients of y = x W^T (ops/linear.h; training.md 7): d_x += d_y W, d_W += d_y^T x, with the values of W
// and x that the forward used, so that round trips are passed straight through.
//
// Each element of a result is summed by one worker over the whole batch in row order, so values do not depend
// on the number of workers (design.md 10.6). Nothing allocates.
#pragma once

#include "base/thread_pool.h"
#include "base/view.h"

namespace fathom {

// d_x [T, in] += d_y [T, out] w [out, in].
void add_input_gradient(ThreadPool& pool, MatView<const float> d_y, MatView<const float> w,
                        MatView<float> d_x) noexcept;
// d_w [out, in] += d_y [T, out]^T x [T, in].
void add_weight_gradient(ThreadPool& pool, MatView<const float> d_y, MatView<const float> x,
                         MatView<float> d_w) noexcept;

// One worker's share of the same, for stages of several products.
void add_input_gradient_part(MatView<const float> d_y, MatView<const float> w, MatView<float> d_x, int worker,
                             int workers) noexcept;
void add_weight_gradient_part(MatView<const float> d_y, MatView<const float> x, MatView<float> d_w,
                              int worker, int workers) noexcept;

}  // namespace fathom
