// SPDX-License-Identifier: MIT
// Manifold-constrained hyper-connections around a sublayer (architecture.md 2; mHC, arXiv 2512.24880).
//
// A sublayer is hc_enter, its own forward from acts.hc.x to acts.hc.y, then hc_leave on the same streams.
#pragma once

#include <span>

#include "base/view.h"
#include "model/step.h"
#include "weights/model_weights.h"

namespace fathom {

// streams [T, n D] -> mixing weights in acts.hc and x = RMSNorm(sum_j A_j X_j; norm), plain and quantised.
void hc_enter(StepContext& step, const HyperConnectionWeights& w, std::span<const float> norm,
              MatView<float> streams) noexcept;

// X'_k = C_k y + sum_j B[j, k] X_j with the weights that hc_enter left in acts.hc.
void hc_leave(StepContext& step, MatView<float> streams) noexcept;

// The learned head: h = sum_j (sigmoid(.)_j + hc_eps) X_j, then RMSNorm(h; norm) to out [D].
void hc_head(StepContext& step, const HyperConnectionWeights& w, std::span<const float> norm,
             std::span<const float> streams, std::span<float> out) noexcept;

}  // namespace fathom
