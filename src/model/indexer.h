// SPDX-License-Identifier: MIT
// Lightning indexer: which entries each token of a CSA layer attends to (architecture.md 5).
#pragma once

#include "model/step.h"

namespace fathom {

// Prepares one row's index query in place: rotation, then the Hadamard + FP4 round trip; scales its head
// weights.
void finish_index_query(StepContext& step, const LayerConfig& layer, int64_t row) noexcept;

// Fills acts.attention.chosen and chosen_count of every row: the index_topk best visible entries in ascending
// order, all of them while fewer are visible. Scores are streamed page by page; no [tokens x context] buffer
// exists.
void indexer_forward(StepContext& step, const LayerConfig& layer) noexcept;

}  // namespace fathom
