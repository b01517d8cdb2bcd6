// SPDX-License-Identifier: MIT
// Backward of every token's attention over its window and entries, and, where the indexer learns, its loss
// with the attention weights as teacher (architecture.md 3, 5; training.md 2, 3).
//
// Work is cut into documents and groups of heads, blocks of kBlockTokens tokens inside; each piece sums into
// memory of its own, and pieces are added in order.
#pragma once

#include "model/backward_step.h"
#include "weights/model_weights.h"

namespace fathom {

// One attention layer in the backward pass; its entries have been placed.
struct AttentionPass {
  const LayerConfig& layer;
  const AttentionWeights& w;
  int64_t entries;  // of all spans
  bool index_loss;  // whether the indexer learns from this layer
};

// From scratch.d_out [T, H c], by the outputs before the inverse rotation: fills d_q (by normed and rotated
// queries), the first T rows of d_kv (by rotated key-values), the first E rows of d_entries, and with an
// index loss d_index_q, d_index_w and d_index_keys; d_sink [H] +=.
void attend_tokens_backward(BackwardStep& b, const AttentionPass& pass, std::span<float> d_sink) noexcept;

}  // namespace fathom
