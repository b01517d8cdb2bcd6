// SPDX-License-Identifier: MIT
// Model: one checkpoint ready to compute: config, weights and what follows from them once (design.md 3).
// Immutable after construction; the weights' memory is the WeightStore's and must outlive it. Any thread
// reads.
#pragma once

#include "config/model_config.h"
#include "ops/rope.h"
#include "weights/model_weights.h"

namespace fathom {

struct Model {
  Model(ModelConfig config_in, ModelWeights weights_in);

  const RotaryEmbedding& rotary(const LayerConfig& layer) const noexcept {
    return layer.compressed() ? compressed_rotary : window_rotary;
  }

  ModelConfig config;
  ModelWeights weights;
  RotaryEmbedding window_rotary;  // layers with ratio 0, MTP
  RotaryEmbedding
      compressed_rotary;  // all others: queries, window, entries and indexer alike (architecture.md 3)
};

}  // namespace fathom
