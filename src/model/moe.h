// SPDX-License-Identifier: MIT
// Mixture of experts: router, grouped routed experts, shared expert (architecture.md 6).
#pragma once

#include "model/step.h"
#include "weights/model_weights.h"

namespace fathom {

// acts.hc.x [T, D] -> acts.hc.y [T, D]; leaves scores and routes in acts.moe.
void moe_forward(StepContext& step, const LayerConfig& layer, const MoeWeights& w) noexcept;

}  // namespace fathom
