// SPDX-License-Identifier: MIT
// Shared-KV multi-query attention over a sliding window and compressed entries (architecture.md 3).
#pragma once

#include "model/step.h"
#include "weights/model_weights.h"

namespace fathom {

// acts.hc.x [T, D] -> acts.hc.y [T, D] for the spans in acts.spans; appends this step's rows to their layer
// states.
void attention_forward(StepContext& step, const LayerConfig& layer, const AttentionWeights& w) noexcept;

}  // namespace fathom
