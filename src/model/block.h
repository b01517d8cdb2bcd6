// SPDX-License-Identifier: MIT
// One transformer block: attention and experts, each wrapped in its hyper-connection (architecture.md 2).
#pragma once

#include "model/step.h"
#include "weights/model_weights.h"

namespace fathom {

// streams [T, n D] in place, for the spans in acts.spans.
void block_forward(StepContext& step, const LayerConfig& layer, const BlockWeights& w,
                   MatView<float> streams) noexcept;

}  // namespace fathom
