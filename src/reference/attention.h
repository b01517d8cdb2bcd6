// SPDX-License-Identifier: MIT
// Shared-KV multi-query attention with sink, sliding window and compressed entries (architecture.md 3).
// Pure functions, any thread.
#pragma once

#include <span>
#include <vector>

#include "config/model_config.h"
#include "reference/indexer.h"
#include "reference/matrix.h"
#include "reference/quantize.h"
#include "reference/weights.h"

namespace fathom::reference {

// Softmax over the keys with exp(sink) in the denominator: [S] weights of one head, without the sink's.
template <typename T>
std::vector<T> attention_weights(std::span<const T> q, const Matrix<T>& keys, T sink);

// [H, c] outputs of one token before the inverse rotation, from q [H, c] and the attended rows [S, c], which
// are keys and values at once; sink [H].
template <typename T>
Matrix<T> attend(MatView<const T> q, const Matrix<T>& keys, std::span<const T> sink);

// [D] from the rotated-back heads o [H, c]: group g of whole heads through wo_a[g], the concatenation through
// wo_b.
template <typename T>
std::vector<T> project_output(const Matrix<T>& o, const AttentionWeights<T>& w, Rounding rounding);

template <typename T>
struct AttentionOutput {
  Matrix<T> y;           // [T, D]
  EntryChoices choices;  // CSA layers only
};

// x [T, D]: the normed sublayer input.
template <typename T>
AttentionOutput<T> attention(const Matrix<T>& x, const AttentionWeights<T>& w, const LayerConfig& layer,
                             const ModelConfig& config, Rounding rounding);

}  // namespace fathom::reference
