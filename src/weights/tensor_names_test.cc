// SPDX-License-Identifier: MIT
#include "weights/tensor_names.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

struct Pair {
  const char* released;
  const char* transformers;
};

// Rows of the two listings of architecture.md 10.
TEST(TensorNames, ReleasedNamesTranslateAsTheListingSays) {
  const Pair table[] = {
      {"embed.weight", "model.embed_tokens.weight"},
      {"norm.weight", "model.norm.weight"},
      {"head.weight", "lm_head.weight"},
      {"hc_head_fn", "model.hc_head.hc_fn"},
      {"hc_head_scale", "model.hc_head.hc_scale"},
      {"layers.0.attn_norm.weight", "model.layers.0.input_layernorm.weight"},
      {"layers.17.ffn_norm.weight", "model.layers.17.post_attention_layernorm.weight"},
      {"layers.3.hc_attn_base", "model.layers.3.attn_hc.base"},
      {"layers.3.hc_ffn_scale", "model.layers.3.ffn_hc.scale"},
      {"layers.3.attn.wo_a.weight", "model.layers.3.self_attn.o_a_proj.weight"},
      {"layers.3.attn.wo_a.scale", "model.layers.3.self_attn.o_a_proj.scale"},
      {"layers.3.attn.q_norm.weight", "model.layers.3.self_attn.q_a_norm.weight"},
      {"layers.3.attn.attn_sink", "model.layers.3.self_attn.sinks"},
      {"layers.3.attn.compressor.norm.weight", "model.layers.3.self_attn.compressor.kv_norm.weight"},
      {"layers.3.attn.compressor.ape", "model.layers.3.self_attn.compressor.position_bias"},
      {"layers.3.attn.indexer.weights_proj.weight",
       "model.layers.3.self_attn.compressor.indexer.scorer.weights_proj.weight"},
      {"layers.3.attn.indexer.compressor.wgate.weight",
       "model.layers.3.self_attn.compressor.indexer.gate_proj.weight"},
      {"layers.3.attn.indexer.compressor.ape", "model.layers.3.self_attn.compressor.indexer.position_bias"},
      {"layers.3.ffn.gate.weight", "model.layers.3.mlp.gate.weight"},
      {"layers.3.ffn.gate.bias", "model.layers.3.mlp.gate.e_score_correction_bias"},
      {"layers.3.ffn.gate.tid2eid", "model.layers.3.mlp.gate.tid2eid"},
      {"layers.3.ffn.shared_experts.w3.weight", "model.layers.3.mlp.shared_experts.up_proj.weight"},
  };
  for (const Pair& pair : table) {
    EXPECT_EQ(spelled_name(TensorSpelling::kTransformers, pair.released), pair.transformers);
    EXPECT_EQ(spelled_name(TensorSpelling::kReleased, pair.released), pair.released);
  }
  EXPECT_EQ(fused_experts_name(7, "down_proj"), "model.layers.7.mlp.experts.down_proj");
}

}  // namespace
}  // namespace fathom
