// SPDX-License-Identifier: MIT
#include "weights/tensor_names.h"

#include "base/concat.h"
#include "weights/weight_store.h"

namespace fathom {
namespace {

struct NamePair {
  std::string_view released;
  std::string_view transformers;
};

constexpr NamePair kModelNames[] = {
    {"embed.weight", "model.embed_tokens.weight"},
    {"norm.weight", "model.norm.weight"},
    {"head.weight", "lm_head.weight"},
    {"hc_head_fn", "model.hc_head.hc_fn"},
    {"hc_head_base", "model.hc_head.hc_base"},
    {"hc_head_scale", "model.hc_head.hc_scale"},
};

// Behind "layers.L.". A name ends at ".weight" or ".scale" or is whole; the part before is what is
// translated.
constexpr NamePair kLayerNames[] = {
    {"attn_norm", "input_layernorm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"hc_attn_fn", "attn_hc.fn"},
    {"hc_attn_base", "attn_hc.base"},
    {"hc_attn_scale", "attn_hc.scale"},
    {"hc_ffn_fn", "ffn_hc.fn"},
    {"hc_ffn_base", "ffn_hc.base"},
    {"hc_ffn_scale", "ffn_hc.scale"},
    {"attn.wq_a", "self_attn.q_a_proj"},
    {"attn.wq_b", "self_attn.q_b_proj"},
    {"attn.wkv", "self_attn.kv_proj"},
    {"attn.wo_a", "self_attn.o_a_proj"},
    {"attn.wo_b", "self_attn.o_b_proj"},
    {"attn.q_norm", "self_attn.q_a_norm"},
    {"attn.kv_norm", "self_attn.kv_norm"},
    {"attn.attn_sink", "self_attn.sinks"},
    {"attn.compressor.wkv", "self_attn.compressor.kv_proj"},
    {"attn.compressor.wgate", "self_attn.compressor.gate_proj"},
    {"attn.compressor.norm", "self_attn.compressor.kv_norm"},
    {"attn.compressor.ape", "self_attn.compressor.position_bias"},
    {"attn.indexer.wq_b", "self_attn.compressor.indexer.q_b_proj"},
    {"attn.indexer.weights_proj", "self_attn.compressor.indexer.scorer.weights_proj"},
    {"attn.indexer.compressor.wkv", "self_attn.compressor.indexer.kv_proj"},
    {"attn.indexer.compressor.wgate", "self_attn.compressor.indexer.gate_proj"},
    {"attn.indexer.compressor.norm", "self_attn.compressor.indexer.kv_norm"},
    {"attn.indexer.compressor.ape", "self_attn.compressor.indexer.position_bias"},
    {"ffn.gate", "mlp.gate"},
    {"ffn.gate.bias", "mlp.gate.e_score_correction_bias"},
    {"ffn.gate.tid2eid", "mlp.gate.tid2eid"},
    {"ffn.shared_experts.w1", "mlp.shared_experts.gate_proj"},
    {"ffn.shared_experts.w3", "mlp.shared_experts.up_proj"},
    {"ffn.shared_experts.w2", "mlp.shared_experts.down_proj"},
};

// The part of a layer tensor's name that the table translates; the rest is ".weight", ".scale" or nothing.
std::string_view translated_part(std::string_view name) noexcept {
  for (const std::string_view suffix : {".weight", ".scale"}) {
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

}  // namespace

TensorSpelling detect_spelling(const WeightStore& store) noexcept {
  if (store.find("embed.weight") != nullptr) return TensorSpelling::kReleased;
  for (const StoredTensor& tensor : store.tensors()) {
    if (tensor.name.starts_with("model.")) return TensorSpelling::kTransformers;
  }
  return TensorSpelling::kReleased;
}

std::string spelled_name(TensorSpelling spelling, std::string_view released) {
  constexpr std::string_view kLayers = "layers.";
  if (spelling == TensorSpelling::kReleased) return std::string(released);
  if (!released.starts_with(kLayers)) {
    for (const NamePair& pair : kModelNames) {
      if (pair.released == released) return std::string(pair.transformers);
    }
    return std::string(released);
  }
  const size_t dot = released.find('.', kLayers.size());
  const std::string_view rest = released.substr(dot + 1);
  const std::string_view part = translated_part(rest);
  for (const NamePair& pair : kLayerNames) {
    if (pair.released != part) continue;
    return concat("model.", released.substr(0, dot + 1), pair.transformers, rest.substr(part.size()));
  }
  return std::string(released);
}

std::string fused_experts_name(int layer, std::string_view projection) {
  return concat("model.layers.", layer, ".mlp.experts.", projection);
}

}  // namespace fathom
