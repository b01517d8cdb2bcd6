// SPDX-License-Identifier: MIT
// The indexer's loss on a block of tokens and its derivatives (training.md 2): the Kullback-Leibler
// divergence of the student, a softmax of index scores over the attended entries, from the teacher, the
// attention weights that those entries got from all heads together.
//
// T is float or double; nothing allocates.
#pragma once

#include <cstdint>
#include <span>

#include "base/view.h"

namespace fathom {

template <typename T>
struct IndexBlock {
  MatView<const T> q;              // [tokens * heads, c_I] index queries as the scores use them
  MatView<const T> head_weights;   // [tokens, heads]
  MatView<const T> keys;           // [S, c_I]
  MatView<const uint8_t> allowed;  // [tokens, S] 1: the token attends to the entry
  MatView<const T> attention;      // [tokens * attention heads, S] weights; constant, no gradient
  T loss_scale = T(1);             // the loss is loss_scale times the sum over tokens
};

template <typename T>
struct IndexScratch {
  MatView<T> keys_transposed;  // [c_I, S]
  MatView<T> dots;             // [tokens * heads, S]
  MatView<T> teacher;          // [tokens, S]
  MatView<T> scores;           // [tokens, S]
};

template <typename T>
struct IndexGradient {
  MatView<T> d_q;             // [tokens * heads, c_I] written
  MatView<T> d_head_weights;  // [tokens, heads] written
  MatView<T> d_keys;          // [S, c_I] +=
};

// Returns the sum over tokens of KL(teacher, student), not scaled. Tokens without entries, or whose entries
// got no attention at all, add nothing.
template <typename T>
double index_loss_backward(const IndexBlock<T>& block, const IndexScratch<T>& scratch,
                           const IndexGradient<T>& gradient) noexcept;

}  // namespace fathom
