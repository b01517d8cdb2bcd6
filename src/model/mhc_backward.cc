// SPDX-License-Identifier: MIT
#include "model/mhc_backward.h"

#include <algorithm>

#include "ops/hc_mix_backward.h"
#include "ops/linear_backward.h"
#include "ops/parallel.h"
#include "ops/rms_norm.h"
#include "ops/rms_norm_backward.h"
#include "ops/vector_math.h"

namespace fathom {
namespace {

using Row = std::span<float>;
using ConstRow = std::span<const float>;

HcSettings settings_of(const ModelConfig& config) noexcept {
  return {.streams = config.hc_mult,
          .sinkhorn_iters = config.hc_sinkhorn_iters,
          .hc_eps = static_cast<float>(config.hc_eps)};
}

ConstRow stream(ConstRow streams, int64_t j, size_t hidden) noexcept {
  return streams.subspan(static_cast<size_t>(j) * hidden, hidden);
}
Row stream(Row streams, int64_t j, size_t hidden) noexcept {
  return streams.subspan(static_cast<size_t>(j) * hidden, hidden);
}

// Where a slice's sums of the vector parameters lie in a row of scratch.partials.
struct VectorSums {
  VectorSums(std::span<float> row, size_t hidden, size_t mix, size_t scales) noexcept
      : norm(row.first(hidden)), base(row.subspan(hidden, mix)), scale(row.subspan(hidden + mix, scales)) {}
  Row norm;
  Row base;
  Row scale;
};

void add_vector_sums(BackwardStep& b, const HcParameters& hc) noexcept {
  const auto partials = std::as_const(b.scratch.partials).view();
  const auto hidden = static_cast<int64_t>(hc.norm.size());
  const auto mix = static_cast<int64_t>(hc.d_w.base.size());
  add_slices(partials, hc.d_norm);
  add_slices(partials.slice_cols(hidden, mix), hc.d_w.base);
  add_slices(partials.slice_cols(hidden + mix, static_cast<int64_t>(hc.d_w.scale.size())), hc.d_w.scale);
}

// Buffers of one row's collapse.
struct CollapseRow {
  ConstRow streams;  // [n D]
  ConstRow weights;  // [n]
  Row d;             // [D] by the normed row, becomes that by the collapsed one
  Row d_norm;        // [D] +=
  Row d_weights;     // [n] written
  Row d_streams;     // [n D] +=
};

void collapse_row_backward(const CollapseRow& row, ConstRow norm, float eps, Row h) noexcept {
  const size_t hidden = norm.size();
  hc_collapse(row.streams, row.weights, h);
  rms_norm_backward<float>(h, norm, eps, row.d, row.d, row.d_norm);
  for (size_t j = 0; j < row.weights.size(); ++j) {
    const auto index = static_cast<int64_t>(j);
    row.d_weights[j] = dot(ConstRow(row.d), stream(row.streams, index, hidden));
    add_scaled(ConstRow(row.d), row.weights[j], stream(row.d_streams, index, hidden));
  }
}

// logits = f m with f = (mean(x~^2) + eps)^-1/2: d_logits becomes d_m, and x~ gets what f says.
void factor_backward(ConstRow streams, ConstRow logits, float eps, Row d_logits, Row d_streams) noexcept {
  const float f = rms_factor(streams, eps);
  const float through_f = dot(ConstRow(d_logits), logits) * f * f / static_cast<float>(streams.size());
  add_scaled(streams, -through_f, d_streams);
  for (float& d : d_logits) d *= f;
}

}  // namespace

void hc_leave_backward(BackwardStep& b, MatView<const float> streams, MatView<float> d_streams) noexcept {
  const int n = b.step.config().hc_mult;
  const auto hidden = static_cast<size_t>(b.step.config().hidden_size);
  HcActivations& hc = b.step.acts.hc;
  parallel_rows(b.step.pool, b.step.rows, [&](int64_t row, int worker) {
    const Row d = d_streams.row_span(row);
    const ConstRow y = hc.y.view().row_span(row);
    const ConstRow post = hc.post.view().row_span(row);
    const Row comb = hc.comb.view().row_span(row);
    const std::span<float> turned(b.scratch.workers[worker].comb);
    hc_collapse(d, post, b.scratch.d_y.view().row_span(row));
    for (int dst = 0; dst < n; ++dst) {
      const ConstRow d_dst = stream(ConstRow(d), dst, hidden);
      b.scratch.d_post.view().at(row, dst) = dot(y, d_dst);
      for (int src = 0; src < n; ++src) {
        b.scratch.d_comb.view().at(row, src * n + dst) =
            dot(stream(streams.row_span(row), src, hidden), d_dst);
        turned[static_cast<size_t>(dst * n + src)] = comb[static_cast<size_t>(src * n + dst)];
      }
    }
    // d_streams_src = sum over dst of B[src, dst] d_dst: the expansion with B turned round and no output.
    const Row none = std::span(b.scratch.workers[worker].row).first(hidden);
    std::fill(none.begin(), none.end(), 0.0F);
    hc_expand(none, post, turned, d);
  });
}

void hc_enter_backward(BackwardStep& b, const HcParameters& hc, MatView<const float> streams,
                       MatView<float> d_streams) noexcept {
  const ModelConfig& config = b.step.config();
  const HcSettings settings = settings_of(config);
  const auto n = static_cast<size_t>(config.hc_mult);
  const auto hidden = static_cast<size_t>(config.hidden_size);
  HcActivations& acts = b.step.acts.hc;
  clear_rows(b.step.pool, b.scratch.partials.view());
  for_slices(b.step.pool, b.step.rows, [&](int slice, PartRange rows, int worker_index) {
    WorkerBackwardScratch& worker = b.scratch.workers[worker_index];
    const VectorSums sums(b.scratch.partials.view().row_span(slice), hidden, hc.d_w.base.size(), 3);
    float d_pre[kMaxHcStreams];
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const Row h = std::span(worker.row).first(hidden);
      collapse_row_backward({.streams = streams.row_span(row),
                             .weights = acts.pre.view().row_span(row),
                             .d = b.scratch.d_x.view().row_span(row),
                             .d_norm = sums.norm,
                             .d_weights = Row(d_pre, n),
                             .d_streams = d_streams.row_span(row)},
                            hc.norm, b.step.norm_eps(), h);
      const ConstRow logits = acts.logits.view().row_span(row);
      const Row d_logits = b.scratch.d_mix.view().row_span(row);
      hc_mix_backward<float>({.logits = logits,
                              .scale = hc.w.scale,
                              .base = hc.w.base,
                              .d_pre = Row(d_pre, n),
                              .d_post = b.scratch.d_post.view().row_span(row),
                              .d_comb = b.scratch.d_comb.view().row_span(row),
                              .hc_eps = settings.hc_eps},
                             settings, worker.hc, d_logits, sums.scale, sums.base);
      factor_backward(streams.row_span(row), logits, b.step.norm_eps(), d_logits, d_streams.row_span(row));
    }
  });
  add_vector_sums(b, hc);
  const MatView<const float> d_mix = b.rows(b.scratch.d_mix);
  add_weight_gradient(b.step.pool, d_mix, streams, hc.d_w.fn.d_w);
  add_input_gradient(b.step.pool, d_mix, hc.d_w.fn.w, d_streams);
}

void hc_head_backward(BackwardStep& b, const HcParameters& hc, MatView<const float> streams,
                      MatView<float> d_hidden, MatView<float> d_streams) noexcept {
  const auto n = static_cast<size_t>(b.step.config().hc_mult);
  const auto hidden = static_cast<size_t>(b.step.config().hidden_size);
  const auto hc_eps = static_cast<float>(b.step.config().hc_eps);
  const auto d_mix =
      b.scratch.d_mix.view().slice_rows(0, d_hidden.rows).slice_cols(0, static_cast<int64_t>(n));
  clear_rows(b.step.pool, b.scratch.partials.view());
  for_slices(b.step.pool, d_hidden.rows, [&](int slice, PartRange rows, int worker_index) {
    const VectorSums sums(b.scratch.partials.view().row_span(slice), hidden, n, 1);
    float logits[kMaxHcStreams];
    float weights[kMaxHcStreams];
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const ConstRow x = streams.row_span(row);
      const float f = rms_factor(x, b.step.norm_eps());
      for (size_t j = 0; j < n; ++j) logits[j] = f * dot(x, hc.d_w.fn.w.row_span(static_cast<int64_t>(j)));
      hc_head_mix(ConstRow(logits, n), hc.w.scale[0], hc.w.base, hc_eps, Row(weights, n));
      const Row d = d_mix.row_span(row);
      collapse_row_backward({.streams = x,
                             .weights = ConstRow(weights, n),
                             .d = d_hidden.row_span(row),
                             .d_norm = sums.norm,
                             .d_weights = d,
                             .d_streams = d_streams.row_span(row)},
                            hc.norm, b.step.norm_eps(),
                            std::span(b.scratch.workers[worker_index].row).first(hidden));
      sums.scale[0] +=
          hc_head_mix_backward<float>(ConstRow(logits, n), hc.w.scale[0], hc.w.base, d, d, sums.base);
      factor_backward(x, ConstRow(logits, n), b.step.norm_eps(), d, d_streams.row_span(row));
    }
  });
  add_vector_sums(b, hc);
  add_weight_gradient(b.step.pool, d_mix, streams, hc.d_w.fn.d_w);
  add_input_gradient(b.step.pool, d_mix, hc.d_w.fn.w, d_streams);
}

}  // namespace fathom
