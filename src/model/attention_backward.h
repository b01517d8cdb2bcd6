// SPDX-License-Identifier: MIT
// Backward of attention_forward (architecture.md 3 to 5; training.md 3), with its activations in acts.hc and
// acts.attention and the layer's states in acts.spans. Spans must have begun from empty f32 states.
#pragma once

#include "model/backward_step.h"
#include "model/gradients.h"
#include "weights/model_weights.h"

namespace fathom {

// scratch.d_y [T, D] -> scratch.d_x [T, D]; gradients of all parameters of the sublayer, those of the indexer
// from its own loss only.
void attention_backward(BackwardStep& b, const LayerConfig& layer, const AttentionWeights& w,
                        AttentionGradients& d_w) noexcept;

}  // namespace fathom
