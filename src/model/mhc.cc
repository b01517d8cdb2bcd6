// SPDX-License-Identifier: MIT
#include "model/mhc.h"

#include "ops/hc_mix.h"
#include "ops/linear.h"
#include "ops/parallel.h"
#include "ops/rms_norm.h"

namespace fathom {
namespace {

WeightView f32_weight(MatView<const float> w) noexcept {
  return {.format = WeightFormat::kF32,
          .block = {},
          .data = w.data,
          .scales = nullptr,
          .rows = w.rows,
          .cols = w.cols};
}

HcMix mix_row(HcActivations& hc, int64_t row) noexcept {
  return {hc.pre.view().row_span(row), hc.post.view().row_span(row), hc.comb.view().row_span(row)};
}

}  // namespace

void hc_enter(StepContext& step, const HyperConnectionWeights& w, std::span<const float> norm,
              MatView<float> streams) noexcept {
  HcActivations& hc = step.acts.hc;
  const WeightView fn = f32_weight(w.fn);
  linear(step.pool, {.x = streams, .w = &fn, .y = hc.logits.view().slice_rows(0, step.rows)});
  const HcSettings settings{.streams = step.config().hc_mult,
                            .sinkhorn_iters = step.config().hc_sinkhorn_iters,
                            .hc_eps = static_cast<float>(step.config().hc_eps)};
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
    const auto x_flat = streams.row_span(row);
    const auto logits = hc.logits.view().row_span(row);
    const float factor = rms_factor(x_flat, step.norm_eps());
    for (float& logit : logits) logit *= factor;
    const HcMix mix = mix_row(hc, row);
    hc_mix(logits, w.scale, w.base, settings, mix);
    const auto x = hc.x.view().row_span(row);
    hc_collapse(x_flat, mix.pre, x);
    rms_norm(x, norm, step.norm_eps(), x);
    quantize_activations(x, hc.x_quant.view().row_span(row));
  });
}

void hc_leave(StepContext& step, MatView<float> streams) noexcept {
  HcActivations& hc = step.acts.hc;
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
    hc_expand(hc.y.view().row_span(row), hc.post.view().row_span(row), hc.comb.view().row_span(row),
              streams.row_span(row));
  });
}

void hc_head(StepContext& step, const HyperConnectionWeights& w, std::span<const float> norm,
             std::span<const float> streams, std::span<float> out) noexcept {
  const int n = step.config().hc_mult;
  float weights[kMaxHcStreams];
  const WeightView fn = f32_weight(w.fn);
  const auto size = static_cast<int64_t>(streams.size());
  const std::span<float> mix(weights, static_cast<size_t>(n));
  linear_rows({.x = {streams.data(), 1, size}, .w = &fn, .y = {mix.data(), 1, n}}, 0, n);
  const float factor = rms_factor(streams, step.norm_eps());
  for (float& logit : mix) logit *= factor;
  hc_head_mix(mix, w.scale[0], w.base, static_cast<float>(step.config().hc_eps), mix);
  hc_collapse(streams, mix, out);
  rms_norm(out, norm, step.norm_eps(), out);
}

}  // namespace fathom
