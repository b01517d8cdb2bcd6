// SPDX-License-Identifier: MIT
#include "model/attention_backward.h"

#include <algorithm>
#include <cmath>

#include "model/attend_tokens_backward.h"
#include "model/compressor_backward.h"
#include "numeric/hadamard.h"
#include "ops/linear.h"
#include "ops/linear_backward.h"
#include "ops/parallel.h"
#include "ops/rms_norm_backward.h"

namespace fathom {
namespace {

// What entered a product with `w`: the plain rows or those that went through the round trip.
MatView<float> input_of(BackwardStep& b, const WeightView& w, MatBuf<float>& plain,
                        MatBuf<float>& quantised) noexcept {
  return b.rows(b.step.quantizes(w) ? quantised : plain);
}

// scratch.d_y -> scratch.d_out by the heads' outputs before the inverse rotation.
void output_backward(BackwardStep& b, const LayerConfig& layer, const AttentionWeights& w,
                     AttentionGradients& d_w) noexcept {
  ThreadPool& pool = b.step.pool;
  AttentionActivations& a = b.step.acts.attention;
  const MatView<float> d_latent = b.rows(b.scratch.d_latent);
  const MatView<float> d_out = b.rows(b.scratch.d_out);
  clear_rows(pool, d_latent);
  clear_rows(pool, d_out);
  add_weight_gradient(pool, b.rows(b.scratch.d_y), input_of(b, w.wo_b, a.latent, a.latent_quant),
                      d_w.wo_b.d_w);
  add_input_gradient(pool, b.rows(b.scratch.d_y), d_w.wo_b.w, d_latent);
  const auto groups = static_cast<int64_t>(d_w.wo_a.size());
  const int64_t rank = d_latent.cols / groups;
  const int64_t width = d_out.cols / groups;
  for (int64_t g = 0; g < groups; ++g) {
    MatrixGradient& wo_a = d_w.wo_a[static_cast<size_t>(g)];
    const auto d_group = d_latent.slice_cols(g * rank, rank);
    add_weight_gradient(pool, d_group, b.rows(a.out).slice_cols(g * width, width), wo_a.d_w);
    add_input_gradient(pool, d_group, wo_a.w, d_out.slice_cols(g * width, width));
  }
  const auto dim = static_cast<size_t>(b.step.config().head_dim);
  parallel_rows(pool, b.step.rows, [&](int64_t row, int) {
    const auto d = d_out.row_span(row);
    for (size_t first = 0; first < d.size(); first += dim) {
      rotate(d.subspan(first, dim), row_angles(b.step.acts, layer, row));
    }
  });
}

// scratch.d_q by normed and rotated queries -> by the projection's output, then wq_b and the latent.
void queries_backward(BackwardStep& b, const LayerConfig& layer, const AttentionWeights& w,
                      AttentionGradients& d_w) noexcept {
  ThreadPool& pool = b.step.pool;
  AttentionActivations& a = b.step.acts.attention;
  const MatView<float> latent = input_of(b, w.wq_b, a.q_latent, a.q_latent_quant);
  linear(pool, {latent, &w.wq_b, b.rows(b.scratch.raw_q), b.step.x_precision(w.wq_b)});
  const auto dim = static_cast<size_t>(b.step.config().head_dim);
  parallel_rows(pool, b.step.rows, [&](int64_t row, int) {
    const auto d = b.scratch.d_q.view().row_span(row);
    const std::span<const float> raw = b.scratch.raw_q.view().row_span(row);
    for (size_t first = 0; first < d.size(); first += dim) {
      const auto d_head = d.subspan(first, dim);
      rotate_back(d_head, row_angles(b.step.acts, layer, row));
      rms_scale_backward<float>(raw.subspan(first, dim), b.step.norm_eps(), d_head, d_head);
    }
  });
  clear_rows(pool, b.rows(b.scratch.d_q_latent));
  add_weight_gradient(pool, b.rows(b.scratch.d_q), latent, d_w.wq_b.d_w);
  add_input_gradient(pool, b.rows(b.scratch.d_q), d_w.wq_b.w, b.rows(b.scratch.d_q_latent));
}

// One projection of x with its norm: makes the row before the norm anew, then d [T, n] by the normed rows
// becomes that by the projection's output.
struct NormedProjection {
  const WeightView& w;
  std::span<const float> norm;
  MatBuf<float>& raw;
  MatView<float> d;
  MatrixGradient& d_w;
  std::span<float> d_norm;
};

void normed_projection_backward(BackwardStep& b, const NormedProjection& p) noexcept {
  ThreadPool& pool = b.step.pool;
  HcActivations& hc = b.step.acts.hc;
  const MatView<float> x = input_of(b, p.w, hc.x, hc.x_quant);
  linear(pool, {x, &p.w, b.rows(p.raw), b.step.x_precision(p.w)});
  clear_rows(pool, b.scratch.partials.view());
  for_slices(pool, b.step.rows, [&](int slice, PartRange rows, int) {
    const auto d_norm = b.scratch.partials.view().row_span(slice).first(p.d_norm.size());
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      rms_norm_backward<float>(p.raw.view().row_span(row), p.norm, b.step.norm_eps(), p.d.row_span(row),
                               p.d.row_span(row), d_norm);
    }
  });
  add_slices(std::as_const(b.scratch.partials).view(), p.d_norm);
  add_weight_gradient(pool, p.d, x, p.d_w.d_w);
  add_input_gradient(pool, p.d, p.d_w.w, b.rows(b.scratch.d_x));
}

void key_values_backward(BackwardStep& b, const LayerConfig& layer, const AttentionWeights& w,
                         AttentionGradients& d_w) noexcept {
  const MatView<float> d_kv = b.rows(b.scratch.d_kv);
  parallel_rows(b.step.pool, b.step.rows, [&](int64_t row, int) {
    rotate_back(d_kv.row_span(row), row_angles(b.step.acts, layer, row));
  });
  normed_projection_backward(b, {w.wkv, w.kv_norm, b.scratch.raw_kv, d_kv, d_w.wkv, d_w.kv_norm});
}

// The indexer learns from its own loss alone, and its inputs are detached (training.md 2).
void indexer_backward(BackwardStep& b, const AttentionPass& pass, IndexerGradients& d_w) noexcept {
  ThreadPool& pool = b.step.pool;
  AttentionActivations& a = b.step.acts.attention;
  const ModelConfig& config = b.step.config();
  const auto dim = static_cast<size_t>(config.index_head_dim);
  const float scale =
      static_cast<float>(1.0 / std::sqrt(static_cast<double>(config.index_head_dim) * config.index_n_heads));
  parallel_rows(pool, b.step.rows, [&](int64_t row, int) {
    const auto d = b.scratch.d_index_q.view().row_span(row);
    for (size_t first = 0; first < d.size(); first += dim) {
      const auto d_head = d.subspan(first, dim);
      // The transform is its own transpose; the round trip passes straight through.
      if (b.step.rounding == Rounding::kAsDeployed) hadamard(d_head);
      rotate_back(d_head, row_angles(b.step.acts, pass.layer, row));
    }
    for (float& d_weight : b.scratch.d_index_w.view().row_span(row)) d_weight *= scale;
  });
  const IndexerWeights& w = *pass.w.indexer;
  add_weight_gradient(pool, b.rows(b.scratch.d_index_q), input_of(b, w.wq_b, a.q_latent, a.q_latent_quant),
                      d_w.wq_b.d_w);
  add_weight_gradient(pool, b.rows(b.scratch.d_index_w), b.rows(b.step.acts.hc.x), d_w.weights_proj.d_w);
  compressor_backward(b,
                      {pass.layer, EntryKind::kIndexKey, w.compressor, a.indexer, InputGradient::kDetached},
                      b.scratch.d_index_keys.view().slice_rows(0, pass.entries), d_w.compressor);
}

}  // namespace

void attention_backward(BackwardStep& b, const LayerConfig& layer, const AttentionWeights& w,
                        AttentionGradients& d_w) noexcept {
  const AttentionPass pass{layer, w, place_entries(b, layer), w.indexer && b.wanted.index_scale != 0.0F};
  output_backward(b, layer, w, d_w);
  attend_tokens_backward(b, pass, d_w.attn_sink);
  clear_rows(b.step.pool, b.rows(b.scratch.d_x));
  queries_backward(b, layer, w, d_w);
  normed_projection_backward(
      b, {w.wq_a, w.q_norm, b.scratch.raw_q_latent, b.rows(b.scratch.d_q_latent), d_w.wq_a, d_w.q_norm});
  key_values_backward(b, layer, w, d_w);
  if (w.compressor) {
    compressor_backward(b,
                        {layer, EntryKind::kKeyValue, *w.compressor, b.step.acts.attention.compressor,
                         InputGradient::kWanted},
                        b.scratch.d_entries.view().slice_rows(0, pass.entries), *d_w.compressor);
  }
  if (pass.index_loss) indexer_backward(b, pass, *d_w.indexer);
}

}  // namespace fathom
