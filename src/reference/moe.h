// SPDX-License-Identifier: MIT
// Mixture of experts: routed experts and the shared one (architecture.md 6). Pure functions, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "reference/matrix.h"
#include "reference/quantize.h"
#include "reference/router.h"
#include "reference/weights.h"

namespace fathom::reference {

// w silu(min(gate, limit)) clamp(up, -limit, limit); limit 0: no clamp.
template <typename T>
T swiglu(T gate, T up, T weight, double limit);

// [D] = W_2 swiglu(W_1 x, W_3 x; weight): the weight acts before W_2 and before its input is rounded.
template <typename T>
std::vector<T> expert(std::span<const T> x, T weight, const ExpertWeights<T>& w, double limit,
                      Rounding rounding);

template <typename T>
struct MoeOutput {
  Matrix<T> y;                   // [T, D]
  std::vector<Route<T>> routes;  // [T]
};

// x [T, D]: the normed sublayer input; tokens [T] choose the experts of hash layers.
template <typename T>
MoeOutput<T> moe(const Matrix<T>& x, std::span<const int32_t> tokens, const MoeWeights<T>& w,
                 const ModelConfig& config, Rounding rounding);

}  // namespace fathom::reference
