// SPDX-License-Identifier: MIT
// Derivatives of expert scores and weights (ops/route.h; training.md 3): through the chosen experts' scores,
// numerator and sum, never through the choice or the bias. T is float or double; nothing allocates.
#pragma once

#include <cstdint>
#include <span>

#include "ops/route.h"

namespace fathom {

// How the weights of the chosen experts came from the scores.
struct WeighingRule {
  WeightNormalisation normalisation = WeightNormalisation::kSum;
  double scale = 1.0;
};

// scores [E], experts [k] chosen, d_weights [k]; d_scores [E] += .
template <typename T>
void weigh_experts_backward(std::span<const T> scores, std::span<const int32_t> experts,
                            const WeighingRule& rule, std::span<const T> d_weights,
                            std::span<T> d_scores) noexcept;

// From the derivatives by the scores to those by the gate's outputs, in place. scores [E] as expert_scores
// left them.
template <typename T>
void expert_scores_backward(std::span<const T> scores, Affinity affinity, std::span<T> d) noexcept;

}  // namespace fathom
