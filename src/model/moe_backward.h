// SPDX-License-Identifier: MIT
// Backward of moe_forward (architecture.md 6; training.md 3), with its activations in acts.hc and acts.moe,
// which it overwrites.
#pragma once

#include "model/backward_step.h"
#include "model/gradients.h"
#include "weights/model_weights.h"

namespace fathom {

// scratch.d_y [T, D] -> scratch.d_x [T, D]; gradients of router and experts.
void moe_backward(BackwardStep& b, const LayerConfig& layer, const MoeWeights& w, MoeGradients& d_w) noexcept;

}  // namespace fathom
