// SPDX-License-Identifier: MIT
// Router: which experts each token goes to and with what weight (architecture.md 6).
#pragma once

#include "model/step.h"
#include "ops/route.h"
#include "weights/model_weights.h"

namespace fathom {

Affinity affinity_of(ScoringFunc f) noexcept;

// Softmax scores already sum to one over all experts and are used as they are.
WeightNormalisation normalisation_of(const ModelConfig& config) noexcept;

// Fills acts.moe.scores and acts.moe.routes of every row, best expert first; in hash layers in table order.
void router_forward(StepContext& step, const LayerConfig& layer, const MoeWeights& w) noexcept;

}  // namespace fathom
