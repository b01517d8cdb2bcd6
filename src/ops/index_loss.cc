// SPDX-License-Identifier: MIT
#include "ops/index_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "numeric/math.h"
#include "ops/vector_math.h"

namespace fathom {
namespace {

// teacher [S] = the heads' weights on allowed entries, summed and made to sum to 1. False when there are
// none.
template <typename T>
bool make_teacher(const IndexBlock<T>& block, int64_t token, std::span<T> teacher) noexcept {
  const int64_t heads = block.attention.rows / block.allowed.rows;
  const uint8_t* allowed = block.allowed.row(token);
  std::fill(teacher.begin(), teacher.end(), T(0));
  for (int64_t h = 0; h < heads; ++h) {
    const T* weights = block.attention.row(token * heads + h);
    for (size_t s = 0; s < teacher.size(); ++s) teacher[s] += allowed[s] != 0 ? weights[s] : T(0);
  }
  T total = T(0);
  for (const T p : teacher) total += p;
  if (!(total > T(0))) return false;
  for (T& p : teacher) p /= total;
  return true;
}

// scores [S] = sum over heads of w_h relu(q_h . k_s), -infinity where not allowed.
template <typename T>
void make_scores(const IndexBlock<T>& block, MatView<const T> dots, int64_t token,
                 std::span<T> scores) noexcept {
  const int64_t heads = block.head_weights.cols;
  const uint8_t* allowed = block.allowed.row(token);
  std::fill(scores.begin(), scores.end(), T(0));
  for (int64_t h = 0; h < heads; ++h) {
    const T* row = dots.row(token * heads + h);
    const T weight = block.head_weights.at(token, h);
    for (size_t s = 0; s < scores.size(); ++s) scores[s] += weight * std::max(row[s], T(0));
  }
  for (size_t s = 0; s < scores.size(); ++s) {
    if (allowed[s] == 0) scores[s] = -std::numeric_limits<T>::infinity();
  }
}

// Scores to loss_scale * (student - teacher), in place; returns the divergence.
template <typename T>
double divergence(std::span<const T> teacher, T loss_scale, std::span<T> scores) noexcept {
  const T top = *std::max_element(scores.begin(), scores.end());
  double cross = 0.0;  // sum of p (log p - score)
  for (size_t s = 0; s < scores.size(); ++s) {
    const auto p = static_cast<double>(teacher[s]);
    if (p > 0.0) cross += p * (log_f64(p) - static_cast<double>(scores[s] - top));
  }
  const T total = exp_sum(std::span<const T>(scores), top, scores);
  for (size_t s = 0; s < scores.size(); ++s) scores[s] = loss_scale * (scores[s] / total - teacher[s]);
  return cross + log_f64(static_cast<double>(total));
}

// d_scores [S] of a token to its heads: dots become their own derivatives.
template <typename T>
void scores_backward(const IndexBlock<T>& block, int64_t token, std::span<const T> d_scores, MatView<T> dots,
                     MatView<T> d_head_weights) noexcept {
  const int64_t heads = block.head_weights.cols;
  for (int64_t h = 0; h < heads; ++h) {
    T* row = dots.row(token * heads + h);
    const T weight = block.head_weights.at(token, h);
    T d_weight = T(0);
    for (size_t s = 0; s < d_scores.size(); ++s) {
      const bool active = row[s] > T(0);
      d_weight += active ? d_scores[s] * row[s] : T(0);
      row[s] = active ? d_scores[s] * weight : T(0);
    }
    d_head_weights.at(token, h) = d_weight;
  }
}

}  // namespace

template <typename T>
double index_loss_backward(const IndexBlock<T>& block, const IndexScratch<T>& scratch,
                           const IndexGradient<T>& gradient) noexcept {
  transpose(block.keys, scratch.keys_transposed);
  clear(scratch.dots);
  clear(gradient.d_q);
  multiply_add(block.q, MatView<const T>(scratch.keys_transposed), scratch.dots);
  double loss = 0.0;
  for (int64_t token = 0; token < block.allowed.rows; ++token) {
    const auto scores = scratch.scores.row_span(token);
    const auto teacher = scratch.teacher.row_span(token);
    if (make_teacher(block, token, teacher)) {
      make_scores(block, MatView<const T>(scratch.dots), token, scores);
      loss += divergence(std::span<const T>(teacher), block.loss_scale, scores);
    } else {
      std::fill(scores.begin(), scores.end(), T(0));
    }
    scores_backward(block, token, std::span<const T>(scores), scratch.dots, gradient.d_head_weights);
  }
  const MatView<const T> d_dots = scratch.dots;
  multiply_add(d_dots, block.keys, gradient.d_q);
  transposed_multiply_add(d_dots, block.q, gradient.d_keys);
  return loss;
}

template double index_loss_backward(const IndexBlock<float>&, const IndexScratch<float>&,
                                    const IndexGradient<float>&) noexcept;
template double index_loss_backward(const IndexBlock<double>&, const IndexScratch<double>&,
                                    const IndexGradient<double>&) noexcept;

}  // namespace fathom
