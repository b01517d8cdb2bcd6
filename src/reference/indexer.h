// SPDX-License-Identifier: MIT
// Lightning indexer: which compressed entries each token of a CSA layer attends to (architecture.md 5).
// Pure functions, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "reference/matrix.h"
#include "reference/quantize.h"
#include "reference/weights.h"

namespace fathom::reference {

// Attended entries of every token.
struct EntryChoices {
  Matrix<int32_t> entries;  // [T, K] ascending, padded with -1; K = min(index_topk, entries of the sequence)
  std::vector<double> margins;  // [T] last kept minus first dropped score; infinity when nothing was dropped
};

// Hadamard transform, then the e2m1 round trip: what queries and keys go through before they meet. In place.
template <typename T>
void transform_for_index(std::span<T> x, Rounding rounding);

// score_i = sum_h weights_h relu(q_h . K_i): [keys], from queries [index_n_heads, c_I] and keys [keys, c_I].
template <typename T>
std::vector<T> index_scores(MatView<const T> queries, MatView<const T> keys, std::span<const T> weights);

// x [T, D] normed sublayer input, q_r [T, q_lora_rank] normed low-rank query.
template <typename T>
EntryChoices choose_entries(const Matrix<T>& x, const Matrix<T>& q_r, const IndexerWeights<T>& w,
                            const LayerConfig& layer, const ModelConfig& config, Rounding rounding);

}  // namespace fathom::reference
