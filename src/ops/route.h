// SPDX-License-Identifier: MIT
// Expert scores, choice and weights of one token (architecture.md 6; V4 report 2.1).
#pragma once

#include <cstdint>
#include <span>

namespace fathom {

enum class Affinity : uint8_t { kSqrtSoftplus, kSigmoid, kSoftmax };
enum class WeightNormalisation : uint8_t { kSum, kNone };

// One chosen expert and what its output is multiplied with.
struct Route {
  int32_t expert = 0;
  float weight = 0.0F;
};

// Gate outputs to affinities, in place. scores [E].
void expert_scores(std::span<float> scores, Affinity affinity) noexcept;

// The top-k of scores + bias, best first; equal: the lower expert. NaN counts as -infinity.
//   scores  [E]  affinities
//   bias    [E]  steers the choice, never enters the weights; empty: none
//   routes  [k]  experts written, weights left alone; k <= E
void choose_experts(std::span<const float> scores, std::span<const float> bias,
                    std::span<Route> routes) noexcept;

// Fills the weights of routes whose experts are set: score (divided by the sum over the chosen) times scale.
void weigh_experts(std::span<const float> scores, WeightNormalisation normalisation, float scale,
                   std::span<Route> routes) noexcept;

}  // namespace fathom
