// SPDX-License-Identifier: MIT
// Manifold-constrained hyper-connections: n residual streams per token (architecture.md 2).
//
// streams [n, D] are one token's rows. Pure functions, any thread.
#pragma once

#include <span>
#include <vector>

#include "base/view.h"
#include "config/model_config.h"
#include "reference/matrix.h"
#include "reference/weights.h"

namespace fathom::reference {

// How one sublayer reads and writes the streams of one token.
template <typename T>
struct HyperConnection {
  std::vector<T> pre;   // [n]   A: the sublayer's input is sum_j A_j X_j
  std::vector<T> post;  // [n]   C: stream k receives C_k y
  Matrix<T> comb;       // [n,n] B(src, dst): stream dst receives sum_src B(src, dst) X_src
};

// Logits (src, dst) -> nearly doubly stochastic, in place. Rows are softmaxed, then columns are normalised,
// then (iters - 1) times rows and columns. The order of the steps is part of the trained model.
template <typename T>
void sinkhorn(Matrix<T>& p, int iters, double eps);

template <typename T>
HyperConnection<T> hyper_connection(MatView<const T> streams, const HyperConnectionWeights<T>& w,
                                    const ModelConfig& config);

// sum_j weights_j X_j: [D].
template <typename T>
std::vector<T> collapse(MatView<const T> streams, std::span<const T> weights);

// X'_k = C_k y + sum_j B(j, k) X_j, in place.
template <typename T>
void update_streams(MatView<T> streams, const HyperConnection<T>& hc, std::span<const T> y);

// The learned collapse after the last layer: [D], before the final norm.
template <typename T>
std::vector<T> collapse_head(MatView<const T> streams, const HyperConnectionWeights<T>& w,
                             const ModelConfig& config);

}  // namespace fathom::reference
