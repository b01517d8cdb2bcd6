// SPDX-License-Identifier: MIT
// Router: which experts each token goes to and with what weight (architecture.md 6).
#pragma once

#include "model/step.h"
#include "weights/model_weights.h"

namespace fathom {

// Fills acts.moe.scores and acts.moe.routes of every row, best expert first; in hash layers in table order.
void router_forward(StepContext& step, const LayerConfig& layer, const MoeWeights& w) noexcept;

}  // namespace fathom
