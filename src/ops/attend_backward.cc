// SPDX-License-Identifier: MIT
#include "ops/attend_backward.h"

#include <algorithm>
#include <limits>

#include "ops/vector_math.h"

namespace fathom {
namespace {

// Scores of one row to weights, in place; returns the sink's weight. The logarithm of the sum of exponentials
// is made anew here, so the forward keeps nothing for it.
template <typename T>
T softmax_with_sink(std::span<T> row, const uint8_t* allowed, T scale, T sink) noexcept {
  T top = sink;
  for (size_t s = 0; s < row.size(); ++s) {
    row[s] = allowed[s] != 0 ? row[s] * scale : -std::numeric_limits<T>::infinity();
    top = std::max(top, row[s]);
  }
  const T sink_weight = exp_of(sink - top);
  const T total = exp_sum(std::span<const T>(row), top, row) + sink_weight;
  for (T& w : row) w /= total;
  return sink_weight / total;
}

}  // namespace

// With weights w, d w_s = d_out . k_s and delta = sum of w_s d w_s (the output dotted with its gradient): d
// z_s = w_s (d w_s - delta), and the sink, which has a weight and no value, gets -w_sink delta.
template <typename T>
void attend_backward(const AttendBlock<T>& block, const AttendScratch<T>& scratch,
                     const AttendGradient<T>& gradient) noexcept {
  const auto heads = static_cast<int64_t>(block.attn_sink.size());
  transpose(block.keys, scratch.keys_transposed);
  const MatView<const T> keys_transposed = scratch.keys_transposed;
  clear(scratch.weights);
  clear(scratch.d_weights);
  clear(gradient.d_q);
  multiply_add(block.q, keys_transposed, scratch.weights);
  multiply_add(gradient.d_out, keys_transposed, scratch.d_weights);
  for (int64_t row = 0; row < block.q.rows; ++row) {
    const auto weights = scratch.weights.row_span(row);
    const auto d = scratch.d_weights.row_span(row);
    const int64_t head = row % heads;
    const T sink_weight =
        softmax_with_sink(weights, block.allowed.row(row / heads), block.scale, block.attn_sink[head]);
    const T delta = dot(std::span<const T>(weights), std::span<const T>(d));
    gradient.d_sink[head] -= sink_weight * delta;
    for (size_t s = 0; s < d.size(); ++s) d[s] = weights[s] * (d[s] - delta) * block.scale;
  }
  multiply_add(scratch.d_weights, block.keys, gradient.d_q);
  transposed_multiply_add(scratch.d_weights, block.q, gradient.d_keys);
  transposed_multiply_add(scratch.weights, gradient.d_out, gradient.d_keys);
}

template void attend_backward(const AttendBlock<float>&, const AttendScratch<float>&,
                              const AttendGradient<float>&) noexcept;
template void attend_backward(const AttendBlock<double>&, const AttendScratch<double>&,
                              const AttendGradient<double>&) noexcept;

}  // namespace fathom
