// SPDX-License-Identifier: MIT
// Multi-token prediction: one more layer that predicts token t+2 from the streams of t and the embedding of
// t+1 (architecture.md 7). Pure function, any thread.
#pragma once

#include <cstdint>
#include <span>

#include "config/model_config.h"
#include "reference/block.h"
#include "reference/matrix.h"
#include "reference/quantize.h"
#include "reference/weights.h"

namespace fathom::reference {

template <typename T>
struct MtpOutput {
  Matrix<T> logits;      // [T-1, V]
  LayerChoices choices;  // of its block, T-1 rows
};

// streams [T, n D] after the last main layer, tokens [T]. Requires w.mtp and T >= 1.
template <typename T>
MtpOutput<T> mtp(const Matrix<T>& streams, std::span<const int32_t> tokens, const Weights<T>& w,
                 const ModelConfig& config, Rounding rounding);

}  // namespace fathom::reference
