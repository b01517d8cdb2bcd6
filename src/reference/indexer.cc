// SPDX-License-Identifier: MIT
#include "reference/indexer.h"

#include <algorithm>
#include <cmath>

#include "reference/choice.h"
#include "reference/compressor.h"
#include "reference/hadamard.h"
#include "reference/linear.h"
#include "reference/number.h"
#include "reference/rope.h"

namespace fathom::reference {
namespace {

constexpr int kIndexBlock = 32;

}  // namespace

template <typename T>
void transform_for_index(std::span<T> x, Rounding rounding) {
  hadamard(x);
  if (rounding == Rounding::kAsDeployed) fp4_round_trip(x, kIndexBlock);
}

template <typename T>
std::vector<T> index_scores(MatView<const T> queries, MatView<const T> keys, std::span<const T> weights) {
  std::vector<T> scores(static_cast<size_t>(keys.rows), T(0));
  for (int64_t key = 0; key < keys.rows; ++key) {
    for (int64_t head = 0; head < queries.rows; ++head) {
      scores[key] += weights[head] * relu(dot(queries.row_span(head), keys.row_span(key)));
    }
  }
  return scores;
}

template <typename T>
EntryChoices choose_entries(const Matrix<T>& x, const Matrix<T>& q_r, const IndexerWeights<T>& w,
                            const LayerConfig& layer, const ModelConfig& config, Rounding rounding) {
  Matrix<T> keys = compress(x, w.compressor, layer, config);
  for (int64_t entry = 0; entry < keys.rows; ++entry) transform_for_index(keys.row(entry), rounding);
  Matrix<T> queries = linear_rows(w.wq_b, q_r, rounding);
  Matrix<T> weights = multiply_rows(w.weights_proj, x);
  const double heads = config.index_n_heads;
  const T weight_scale = T(static_cast<Real<T>>(1.0 / std::sqrt(config.index_head_dim * heads)));
  for (T& weight : weights.data) weight *= weight_scale;

  EntryChoices choices{Matrix<int32_t>(x.rows, std::min<int64_t>(config.index_topk, keys.rows), -1), {}};
  for (int64_t token = 0; token < x.rows; ++token) {
    const std::vector<float> angles = rope_angles(layer.rope, config.qk_rope_head_dim, token);
    const MatView<T> heads_of_token = split_row(queries, token, config.index_n_heads);
    for (int64_t head = 0; head < heads_of_token.rows; ++head) {
      rotate(heads_of_token.row_span(head), std::span<const float>(angles));
      transform_for_index(heads_of_token.row_span(head), rounding);
    }
    const MatView<const T> visible =
        std::as_const(keys).view().slice_rows(0, visible_entries(token, layer.compress_ratio));
    const std::vector<T> scores =
        index_scores(MatView<const T>(heads_of_token), visible, std::as_const(weights).row(token));
    Choice choice = choose_top_k(std::span<const T>(scores), config.index_topk);
    std::ranges::sort(choice.indices);
    std::ranges::copy(choice.indices, choices.entries.row(token).begin());
    choices.margins.push_back(choice.margin);
  }
  return choices;
}

template void transform_for_index(std::span<float>, Rounding);
template void transform_for_index(std::span<double>, Rounding);
template void transform_for_index(std::span<Complex>, Rounding);
template std::vector<float> index_scores(MatView<const float>, MatView<const float>, std::span<const float>);
template std::vector<double> index_scores(MatView<const double>, MatView<const double>,
                                          std::span<const double>);
template std::vector<Complex> index_scores(MatView<const Complex>, MatView<const Complex>,
                                           std::span<const Complex>);
template EntryChoices choose_entries(const Matrix<float>&, const Matrix<float>&, const IndexerWeights<float>&,
                                     const LayerConfig&, const ModelConfig&, Rounding);
template EntryChoices choose_entries(const Matrix<double>&, const Matrix<double>&,
                                     const IndexerWeights<double>&, const LayerConfig&, const ModelConfig&,
                                     Rounding);
template EntryChoices choose_entries(const Matrix<Complex>&, const Matrix<Complex>&,
                                     const IndexerWeights<Complex>&, const LayerConfig&, const ModelConfig&,
                                     Rounding);

}  // namespace fathom::reference
