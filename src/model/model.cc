// SPDX-License-Identifier: MIT
#include "model/model.h"

#include <algorithm>

namespace fathom {
namespace {

RopeParameters rope_parameters(const ModelConfig& config, const RopeConfig& rope) {
  RopeParameters p{.r = config.qk_rope_head_dim, .theta = rope.theta};
  if (rope.yarn) {
    p.factor = rope.factor;
    p.original = static_cast<int64_t>(rope.original_max_position_embeddings);
    p.beta_fast = rope.beta_fast;
    p.beta_slow = rope.beta_slow;
  }
  return p;
}

// The rope numbers of the first layer of that sort; every compressed layer has the same ones.
RopeConfig rope_of(const ModelConfig& config, bool compressed) {
  const auto layer = std::find_if(config.layers.begin(), config.layers.end(),
                                  [&](const LayerConfig& l) { return l.compressed() == compressed; });
  return layer == config.layers.end() ? config.mtp_layer.rope : layer->rope;
}

}  // namespace

Model::Model(ModelConfig config_in, ModelWeights weights_in)
    : config(std::move(config_in)),
      weights(std::move(weights_in)),
      window_rotary(rope_parameters(config, rope_of(config, false))),
      compressed_rotary(rope_parameters(config, rope_of(config, true))) {}

}  // namespace fathom
