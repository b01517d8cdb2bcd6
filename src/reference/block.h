// SPDX-License-Identifier: MIT
// One layer: attention and experts, each wrapped by its own hyper-connection (architecture.md 2).
// Pure function, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "reference/indexer.h"
#include "reference/matrix.h"
#include "reference/quantize.h"
#include "reference/weights.h"

namespace fathom::reference {

// What a layer chose for each token.
struct LayerChoices {
  Matrix<int32_t> experts;             // [T, k] best first; table order in hash layers
  std::vector<double> expert_margins;  // [T] infinity in hash layers
  EntryChoices entries;                // CSA layers only
};

// streams [T, n D] -> the next layer's, in place.
template <typename T>
LayerChoices block(Matrix<T>& streams, std::span<const int32_t> tokens, const BlockWeights<T>& w,
                   const LayerConfig& layer, const ModelConfig& config, Rounding rounding);

}  // namespace fathom::reference
