// SPDX-License-Identifier: MIT
#include "config/config_rules.h"

#include <bit>

#include "base/concat.h"

namespace fathom {
namespace {

Status contradiction(std::string_view key, std::string_view expected, int64_t found) {
  return Status(StatusCode::kCorrupt, concat(key, ": expected ", expected, ", found ", found));
}

bool has_csa(const ModelConfig& config) noexcept {
  for (const LayerConfig& layer : config.layers) {
    if (layer.kind == LayerKind::kCsa) return true;
  }
  return config.num_nextn_predict_layers > 0 && config.mtp_layer.kind == LayerKind::kCsa;
}

Status check_heads(const ModelConfig& config) {
  if (config.num_attention_heads % config.o_groups != 0) {
    return contradiction("num_attention_heads", concat("a multiple of o_groups (", config.o_groups, ")"),
                         config.num_attention_heads);
  }
  if (config.qk_rope_head_dim % 2 != 0) {
    return contradiction("qk_rope_head_dim", "an even number", config.qk_rope_head_dim);
  }
  if (config.qk_rope_head_dim > config.head_dim) {
    return contradiction("qk_rope_head_dim", concat("at most head_dim (", config.head_dim, ")"),
                         config.qk_rope_head_dim);
  }
  return {};
}

Status check_indexer(const ModelConfig& config) {
  if (!has_csa(config)) return {};
  if (config.index_n_heads == 0) return contradiction("index_n_heads", "a value (there are CSA layers)", 0);
  if (config.index_topk == 0) return contradiction("index_topk", "a value (there are CSA layers)", 0);
  if (!std::has_single_bit(static_cast<uint32_t>(config.index_head_dim))) {
    return contradiction("index_head_dim", "a power of two", config.index_head_dim);
  }
  if (config.qk_rope_head_dim > config.index_head_dim) {
    return contradiction("index_head_dim",
                         concat("at least qk_rope_head_dim (", config.qk_rope_head_dim, ")"),
                         config.index_head_dim);
  }
  return {};
}

Status check_experts(const ModelConfig& config) {
  if (config.num_experts_per_tok > config.n_routed_experts) {
    return contradiction("num_experts_per_tok",
                         concat("at most n_routed_experts (", config.n_routed_experts, ")"),
                         config.num_experts_per_tok);
  }
  if (config.expert_dtype != ExpertDtype::kFp4) return {};
  if (config.hidden_size % 32 != 0) {
    return contradiction("hidden_size", "a multiple of 32 (FP4 experts)", config.hidden_size);
  }
  if (config.moe_intermediate_size % 32 != 0) {
    return contradiction("moe_intermediate_size", "a multiple of 32 (FP4 experts)",
                         config.moe_intermediate_size);
  }
  return {};
}

Status check_tokens(const ModelConfig& config) {
  const std::string below = concat("below vocab_size (", config.vocab_size, ")");
  if (config.bos_token_id >= config.vocab_size)
    return contradiction("bos_token_id", below, config.bos_token_id);
  if (config.eos_token_id >= config.vocab_size)
    return contradiction("eos_token_id", below, config.eos_token_id);
  return {};
}

Status check_products(const ModelConfig& config) {
  struct Product {
    std::string_view name;
    int64_t a;
    int64_t b;
  };
  const Product products[] = {
      {"num_attention_heads * head_dim", config.num_attention_heads, config.head_dim},
      {"index_n_heads * index_head_dim", config.index_n_heads, config.index_head_dim},
      {"o_groups * o_lora_rank", config.o_groups, config.o_lora_rank},
      {"hc_mult * hidden_size", config.hc_mult, config.hidden_size},
      {"n_shared_experts * moe_intermediate_size", config.n_shared_experts, config.moe_intermediate_size},
  };
  for (const Product& product : products) {
    if (product.a * product.b > kMaxConfigProduct) {
      return contradiction(product.name, concat("at most ", kMaxConfigProduct), product.a * product.b);
    }
  }
  if (estimate_parameters(config) > kMaxConfigParameters) {
    return Status(StatusCode::kCorrupt,
                  "n_routed_experts: expected a model below 2^56 parameters, found more");
  }
  return {};
}

}  // namespace

double estimate_parameters(const ModelConfig& config) noexcept {
  const double hidden = config.hidden_size;
  const double heads = double{1} * config.num_attention_heads * config.head_dim;
  const double ranks = double{1} * config.o_groups * config.o_lora_rank;
  const double streams = hidden * config.hc_mult;
  double total = 2.0 * hidden * config.vocab_size + streams * config.hc_mult;
  for (const LayerConfig& layer : config.layers) {
    total += (hidden + heads) * config.q_lora_rank + hidden * config.head_dim + heads * config.o_lora_rank;
    total += hidden * ranks + 2.0 * streams * config.hc_mix_size();
    total += (double{1} * config.n_routed_experts + config.n_shared_experts) * 3.0 * hidden *
             config.moe_intermediate_size;
    total += hidden * config.n_routed_experts;
    if (layer.compressed()) {
      total += 2.0 * (hidden + layer.compress_ratio) * 2.0 * (config.head_dim + config.index_head_dim);
      total += double{1} * config.index_n_heads * config.index_head_dim * config.q_lora_rank;
    }
  }
  return total;
}

Status check_config_rules(const ModelConfig& config) {
  FATHOM_RETURN_IF_ERROR(check_heads(config));
  FATHOM_RETURN_IF_ERROR(check_indexer(config));
  FATHOM_RETURN_IF_ERROR(check_experts(config));
  FATHOM_RETURN_IF_ERROR(check_tokens(config));
  return check_products(config);
}

}  // namespace fathom
