// SPDX-License-Identifier: MIT
// Backward of the router and the sequence-wise balance loss (architecture.md 6; training.md 2, 3).
#pragma once

#include "model/backward_step.h"
#include "model/gradients.h"

namespace fathom {

// From scratch.d_weight, by the routing weight of each grouped row: gradients of the gate, and its part of
// scratch.d_x. Adds the balance loss of layers that choose, where it is wanted.
void router_backward(BackwardStep& b, const LayerConfig& layer, MoeGradients& d_w) noexcept;

}  // namespace fathom
