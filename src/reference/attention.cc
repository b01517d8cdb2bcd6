// SPDX-License-Identifier: MIT
#include "reference/attention.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "reference/compressor.h"
#include "reference/linear.h"
#include "reference/number.h"
#include "reference/rms_norm.h"
#include "reference/rope.h"

namespace fathom::reference {
namespace {

constexpr int kKvBlock = 64;

// Window kv and compressed entries alike: the channels before the rotary ones are stored as e4m3.
template <typename T>
void round_kv_rows(Matrix<T>& rows, const ModelConfig& config, Rounding rounding) {
  if (rounding == Rounding::kNone) return;
  for (int64_t r = 0; r < rows.rows; ++r) fp8_round_trip(rows.row(r).first(config.nope_dim()), kKvBlock);
}

// [T, H c]: normed and rotated queries from the normed low-rank query.
template <typename T>
Matrix<T> make_queries(const Matrix<T>& q_r, const AttentionWeights<T>& w, const LayerConfig& layer,
                       const ModelConfig& config, Rounding rounding) {
  Matrix<T> q = linear_rows(w.wq_b, q_r, rounding);
  for (int64_t token = 0; token < q.rows; ++token) {
    const std::vector<float> angles = rope_angles(layer.rope, config.qk_rope_head_dim, token);
    const MatView<T> heads = split_row(q, token, config.num_attention_heads);
    for (int64_t head = 0; head < heads.rows; ++head) {
      rms_norm(heads.row_span(head), config.rms_norm_eps);
      rotate(heads.row_span(head), std::span<const float>(angles));
    }
  }
  return q;
}

// [T, c]: key and value of every token.
template <typename T>
Matrix<T> make_window_kv(const Matrix<T>& x, const AttentionWeights<T>& w, const LayerConfig& layer,
                         const ModelConfig& config, Rounding rounding) {
  Matrix<T> kv =
      rms_norm_rows(linear_rows(w.wkv, x, rounding), std::span<const T>(w.kv_norm), config.rms_norm_eps);
  for (int64_t token = 0; token < kv.rows; ++token) {
    rotate(kv.row(token), std::span<const float>(rope_angles(layer.rope, config.qk_rope_head_dim, token)));
  }
  round_kv_rows(kv, config, rounding);
  return kv;
}

// The compressed entries that a token attends to, ascending.
std::vector<int32_t> attended_entries(int64_t token, const LayerConfig& layer, const EntryChoices& choices) {
  std::vector<int32_t> entries;
  if (layer.kind == LayerKind::kCsa) {
    for (const int32_t entry : choices.entries.row(token)) {
      if (entry >= 0) entries.push_back(entry);
    }
  } else if (layer.kind == LayerKind::kHca) {
    for (int32_t entry = 0; entry < visible_entries(token, layer.compress_ratio); ++entry)
      entries.push_back(entry);
  }
  return entries;
}

// S_t as rows [S, c]: window kv_j with t - W < j <= t, then the given entries.
template <typename T>
Matrix<T> attended_rows(int64_t token, const Matrix<T>& kv, const Matrix<T>& entries,
                        const std::vector<int32_t>& chosen, int window) {
  const int64_t first = std::max<int64_t>(0, token - window + 1);
  const int64_t window_rows = token - first + 1;
  Matrix<T> rows(window_rows + static_cast<int64_t>(chosen.size()), kv.cols);
  for (int64_t j = 0; j < window_rows; ++j) std::ranges::copy(kv.row(first + j), rows.row(j).begin());
  for (size_t i = 0; i < chosen.size(); ++i) {
    std::ranges::copy(entries.row(chosen[i]), rows.row(window_rows + static_cast<int64_t>(i)).begin());
  }
  return rows;
}

}  // namespace

template <typename T>
std::vector<T> attention_weights(std::span<const T> q, const Matrix<T>& keys, T sink) {
  std::vector<T> weights(static_cast<size_t>(keys.rows));
  const T root = T(std::sqrt(static_cast<Real<T>>(keys.cols)));
  Real<T> largest = real_part(sink);
  for (int64_t s = 0; s < keys.rows; ++s) {
    weights[s] = dot(q, keys.row(s)) / root;
    largest = std::max(largest, real_part(weights[s]));
  }
  T total = std::exp(sink - T(largest));
  for (T& weight : weights) {
    weight = std::exp(weight - T(largest));
    total += weight;
  }
  for (T& weight : weights) weight /= total;
  return weights;
}

template <typename T>
Matrix<T> attend(MatView<const T> q, const Matrix<T>& keys, std::span<const T> sink) {
  Matrix<T> o(q.rows, q.cols);
  for (int64_t head = 0; head < q.rows; ++head) {
    const std::vector<T> weights = attention_weights(q.row_span(head), keys, sink[head]);
    for (int64_t channel = 0; channel < q.cols; ++channel) {
      Sum<T> sum = Sum<T>(0);
      for (int64_t s = 0; s < keys.rows; ++s) sum += Sum<T>(weights[s]) * Sum<T>(keys.at(s, channel));
      o.at(head, channel) = T(sum);
    }
  }
  return o;
}

template <typename T>
std::vector<T> project_output(const Matrix<T>& o, const AttentionWeights<T>& w, Rounding rounding) {
  const size_t group_size = o.data.size() / w.wo_a.size();
  std::vector<T> low_rank;
  for (size_t group = 0; group < w.wo_a.size(); ++group) {
    const std::vector<T> part =
        multiply(w.wo_a[group], std::span<const T>(o.data).subspan(group * group_size, group_size));
    low_rank.insert(low_rank.end(), part.begin(), part.end());
  }
  return linear(w.wo_b, std::span<const T>(low_rank), rounding);
}

template <typename T>
AttentionOutput<T> attention(const Matrix<T>& x, const AttentionWeights<T>& w, const LayerConfig& layer,
                             const ModelConfig& config, Rounding rounding) {
  const Matrix<T> q_r =
      rms_norm_rows(linear_rows(w.wq_a, x, rounding), std::span<const T>(w.q_norm), config.rms_norm_eps);
  const Matrix<T> q = make_queries(q_r, w, layer, config, rounding);
  const Matrix<T> kv = make_window_kv(x, w, layer, config, rounding);
  AttentionOutput<T> out{Matrix<T>(x.rows, x.cols), {}};
  FATHOM_CHECK(w.compressor.has_value() == layer.compressed());
  FATHOM_CHECK(w.indexer.has_value() == (layer.kind == LayerKind::kCsa));
  Matrix<T> entries;
  if (w.compressor.has_value()) {
    entries = compress(x, *w.compressor, layer, config);
    round_kv_rows(entries, config, rounding);
  }
  if (w.indexer.has_value()) out.choices = choose_entries(x, q_r, *w.indexer, layer, config, rounding);

  for (int64_t token = 0; token < x.rows; ++token) {
    const Matrix<T> keys =
        attended_rows(token, kv, entries, attended_entries(token, layer, out.choices), config.sliding_window);
    Matrix<T> o =
        attend(split_row(q, token, config.num_attention_heads), keys, std::span<const T>(w.attn_sink));
    const std::vector<float> angles = rope_angles(layer.rope, config.qk_rope_head_dim, token);
    for (int64_t head = 0; head < o.rows; ++head) rotate_back(o.row(head), std::span<const float>(angles));
    std::ranges::copy(project_output(o, w, rounding), out.y.row(token).begin());
  }
  return out;
}

template std::vector<float> attention_weights(std::span<const float>, const Matrix<float>&, float);
template std::vector<double> attention_weights(std::span<const double>, const Matrix<double>&, double);
template std::vector<Complex> attention_weights(std::span<const Complex>, const Matrix<Complex>&, Complex);
template Matrix<float> attend(MatView<const float>, const Matrix<float>&, std::span<const float>);
template Matrix<double> attend(MatView<const double>, const Matrix<double>&, std::span<const double>);
template Matrix<Complex> attend(MatView<const Complex>, const Matrix<Complex>&, std::span<const Complex>);
template std::vector<float> project_output(const Matrix<float>&, const AttentionWeights<float>&, Rounding);
template std::vector<double> project_output(const Matrix<double>&, const AttentionWeights<double>&, Rounding);
template std::vector<Complex> project_output(const Matrix<Complex>&, const AttentionWeights<Complex>&,
                                             Rounding);
template AttentionOutput<float> attention(const Matrix<float>&, const AttentionWeights<float>&,
                                          const LayerConfig&, const ModelConfig&, Rounding);
template AttentionOutput<double> attention(const Matrix<double>&, const AttentionWeights<double>&,
                                           const LayerConfig&, const ModelConfig&, Rounding);
template AttentionOutput<Complex> attention(const Matrix<Complex>&, const AttentionWeights<Complex>&,
                                            const LayerConfig&, const ModelConfig&, Rounding);

}  // namespace fathom::reference
