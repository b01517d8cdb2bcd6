// SPDX-License-Identifier: MIT
// Derivatives of attention with sink over shared key-value rows, for a block of tokens and their heads
// against one list of rows of which each token sees some (architecture.md 3; training.md 3): the row is key
// and value at once, so both gradients add.
//
// T is float or double; nothing allocates.
#pragma once

#include <cstdint>
#include <span>

#include "base/view.h"

namespace fathom {

template <typename T>
struct AttendBlock {
  MatView<const T> q;              // [tokens * heads, c], heads of a token side by side
  MatView<const T> keys;           // [S, c]
  MatView<const uint8_t> allowed;  // [tokens, S] 1: the token sees the row
  std::span<const T> attn_sink;    // [heads]
  T scale = T(1);                  // on q . k
};

// Scratch of a block: the rows transposed, and two matrices of weights.
template <typename T>
struct AttendScratch {
  MatView<T> keys_transposed;  // [c, S]
  MatView<T> weights;          // [tokens * heads, S]; holds the attention weights afterwards
  MatView<T> d_weights;        // [tokens * heads, S]
};

template <typename T>
struct AttendGradient {
  MatView<const T> d_out;  // [tokens * heads, c] by the outputs before the inverse rotation
  MatView<T> d_q;          // [tokens * heads, c] written
  MatView<T> d_keys;       // [S, c] +=
  std::span<T> d_sink;     // [heads] +=
};

template <typename T>
void attend_backward(const AttendBlock<T>& block, const AttendScratch<T>& scratch,
                     const AttendGradient<T>& gradient) noexcept;

}  // namespace fathom
