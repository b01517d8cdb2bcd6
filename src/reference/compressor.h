// SPDX-License-Identifier: MIT
// Compressors: every m tokens become one entry (architecture.md 4), and which entries a token sees.
//
// Entry i exists once token m(i+1)-1 has been seen. Pure functions, any thread.
#pragma once

#include <cstdint>

#include "config/model_config.h"
#include "reference/matrix.h"
#include "reference/weights.h"

namespace fathom::reference {

// Token t sees the entries below floor((t+1)/m): the token that closes a block sees its entry.
int64_t visible_entries(int64_t token, int ratio);

// Softmax-weighted sums per channel, [floor(T/m), c], of the rows C with gates Z, both [T, w], ape [m, w].
// With overlap (w = 2c) entry i sums the first halves of block i-1 and the second halves of block i; without
// (w = c), block i.
template <typename T>
Matrix<T> pool(const Matrix<T>& c_rows, const Matrix<T>& z_rows, const Matrix<T>& ape,
               const LayerConfig& layer);

// Pooled rows -> normed and rotated entries, in place; entry i is rotated at position i m.
template <typename T>
void finish_entries(Matrix<T>& pooled, const CompressorWeights<T>& w, const LayerConfig& layer,
                    const ModelConfig& config);

// The entries of a sequence, [floor(T/m), c], before any round trip. x [T, D] is the normed sublayer input.
template <typename T>
Matrix<T> compress(const Matrix<T>& x, const CompressorWeights<T>& w, const LayerConfig& layer,
                   const ModelConfig& config);

}  // namespace fathom::reference
