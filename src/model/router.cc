// SPDX-License-Identifier: MIT
#include "model/router.h"

#include "ops/linear.h"
#include "ops/parallel.h"
#include "ops/route.h"

namespace fathom {

Affinity affinity_of(ScoringFunc f) noexcept {
  switch (f) {
    case ScoringFunc::kSqrtSoftplus: return Affinity::kSqrtSoftplus;
    case ScoringFunc::kSigmoid: return Affinity::kSigmoid;
    case ScoringFunc::kSoftmax: return Affinity::kSoftmax;
  }
  return Affinity::kSqrtSoftplus;
}

WeightNormalisation normalisation_of(const ModelConfig& config) noexcept {
  const bool by_sum = config.norm_topk_prob && config.scoring_func != ScoringFunc::kSoftmax;
  return by_sum ? WeightNormalisation::kSum : WeightNormalisation::kNone;
}

void router_forward(StepContext& step, const LayerConfig& layer, const MoeWeights& w) noexcept {
  MoeActivations& a = step.acts.moe;
  linear(step.pool,
         {step.acts.hc.x.view().slice_rows(0, step.rows), &w.gate, a.scores.view().slice_rows(0, step.rows)});
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
    const auto scores = a.scores.view().row_span(row);
    const auto routes = a.routes.view().row_span(row);
    expert_scores(scores, affinity_of(step.config().scoring_func));
    if (layer.router == RouterKind::kHashed) {
      const int32_t* experts = w.tid2eid.row(step.acts.row_tokens[row]);
      for (size_t slot = 0; slot < routes.size(); ++slot) routes[slot].expert = experts[slot];
    } else {
      choose_experts(scores, w.bias, routes);
    }
    weigh_experts(scores, normalisation_of(step.config()),
                  static_cast<float>(step.config().routed_scaling_factor), routes);
  });
}

}  // namespace fathom
