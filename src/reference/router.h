// SPDX-License-Identifier: MIT
// Expert routing (architecture.md 6). Pure functions, any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "reference/matrix.h"
#include "reference/weights.h"

namespace fathom::reference {

// The experts of one token.
template <typename T>
struct Route {
  std::vector<int32_t> experts;  // [k] best first; table order in hash layers
  std::vector<T> weights;        // [k]
  // Last chosen minus first rejected score + bias; infinity in hash layers.
  double margin = std::numeric_limits<double>::infinity();
};

// Affinities [E] of the gate's outputs [E].
template <typename T>
std::vector<T> expert_scores(std::span<const T> logits, ScoringFunc func);

// Weights [k] of the chosen experts.
template <typename T>
std::vector<T> expert_weights(std::span<const T> scores, std::span<const int32_t> experts,
                              const ModelConfig& config);

// From the gate's outputs [E]: top-k of scores + bias (equal: the lower expert), or the token's row of
// tid2eid.
template <typename T>
Route<T> route(std::span<const T> logits, int32_t token, const MoeWeights<T>& w, const ModelConfig& config);

}  // namespace fathom::reference
