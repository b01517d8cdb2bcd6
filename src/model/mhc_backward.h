// SPDX-License-Identifier: MIT
// Backward of the hyper-connections (architecture.md 2; training.md 3): hc_leave_backward, the sublayer's own
// backward from scratch.d_y to scratch.d_x, then hc_enter_backward, with the activations of that sublayer in
// acts.hc.
#pragma once

#include <span>

#include "model/backward_step.h"
#include "model/gradients.h"
#include "weights/model_weights.h"

namespace fathom {

// streams [T, n D] before the sublayer; d_streams [T, n D] by the streams after it, becomes the part of the
// derivative by those before it that does not go through the sublayer. Fills scratch.d_y, d_post and d_comb.
void hc_leave_backward(BackwardStep& b, MatView<const float> streams, MatView<float> d_streams) noexcept;

// Parameters of one hyper-connection with its norm, and their gradients.
struct HcParameters {
  const HyperConnectionWeights& w;
  std::span<const float> norm;
  HyperConnectionGradients& d_w;
  std::span<float> d_norm;
};

// From scratch.d_x, which it overwrites, d_post and d_comb: adds what goes through the mixing weights and the
// sublayer to d_streams.
void hc_enter_backward(BackwardStep& b, const HcParameters& hc, MatView<const float> streams,
                       MatView<float> d_streams) noexcept;

// hc_head: from d_hidden [rows, D] of the collapsed and normed rows, overwritten; d_streams [rows, n D] +=.
void hc_head_backward(BackwardStep& b, const HcParameters& hc, MatView<const float> streams,
                      MatView<float> d_hidden, MatView<float> d_streams) noexcept;

}  // namespace fathom
