// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "base/concat.h"
#include "engine/synthetic_model.h"

namespace fathom {
namespace {

struct Preset {
  std::string_view name;
  std::string_view keys;  // of config.json, beside kCommonKeys
};

constexpr std::string_view kCommonKeys = R"("model_type": "deepseek_v4", "bos_token_id": 0, "eos_token_id": 1,
 "expert_dtype": "fp4", "hc_eps": 1e-6, "hc_mult": 4, "hc_sinkhorn_iters": 20, "max_position_embeddings": 1048576,
 "n_shared_experts": 1, "norm_topk_prob": true, "num_key_value_heads": 1, "rms_norm_eps": 1e-6,
 "rope_theta": 10000, "compress_rope_theta": 160000, "rope_scaling": {"type": "yarn", "factor": 16,
 "beta_fast": 32, "beta_slow": 1, "original_max_position_embeddings": 65536}, "scoring_func": "sqrtsoftplus",
 "swiglu_limit": 10.0, "num_nextn_predict_layers": 0, "quantization_config": {"activation_scheme": "dynamic",
 "fmt": "e4m3", "quant_method": "fp8", "scale_fmt": "ue8m0", "weight_block_size": [128, 128]})";

constexpr std::array<Preset, 4> kPresets = {{
    {"flash-slice", R"("hidden_size": 4096, "num_hidden_layers": 4, "compress_ratios": [0, 4, 128, 4],
 "num_hash_layers": 1, "num_attention_heads": 64, "head_dim": 512, "qk_rope_head_dim": 64, "q_lora_rank": 1024,
 "o_groups": 8, "o_lora_rank": 1024, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 512,
 "sliding_window": 128, "n_routed_experts": 64, "num_experts_per_tok": 6, "moe_intermediate_size": 2048,
 "routed_scaling_factor": 1.5, "vocab_size": 129280)"},
    {"pro-slice", R"("hidden_size": 7168, "num_hidden_layers": 2, "compress_ratios": [128, 4],
 "num_hash_layers": 1, "num_attention_heads": 128, "head_dim": 512, "qk_rope_head_dim": 64, "q_lora_rank": 1536,
 "o_groups": 16, "o_lora_rank": 1024, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 1024,
 "sliding_window": 128, "n_routed_experts": 16, "num_experts_per_tok": 6, "moe_intermediate_size": 3072,
 "routed_scaling_factor": 2.5, "vocab_size": 129280)"},
    {"mini",
     R"("hidden_size": 1024, "num_hidden_layers": 8, "compress_ratios": [0, 0, 4, 128, 4, 128, 4, 128],
 "num_hash_layers": 2, "num_attention_heads": 16, "head_dim": 128, "qk_rope_head_dim": 64, "q_lora_rank": 512,
 "o_groups": 4, "o_lora_rank": 256, "index_n_heads": 16, "index_head_dim": 128, "index_topk": 128,
 "sliding_window": 128, "n_routed_experts": 32, "num_experts_per_tok": 4, "moe_intermediate_size": 512,
 "routed_scaling_factor": 1.5, "vocab_size": 129280)"},
    {"tiny", R"("hidden_size": 256, "num_hidden_layers": 5, "compress_ratios": [0, 4, 128, 4, 0],
 "num_hash_layers": 1, "num_attention_heads": 4, "head_dim": 64, "qk_rope_head_dim": 32, "q_lora_rank": 128,
 "o_groups": 2, "o_lora_rank": 64, "index_n_heads": 4, "index_head_dim": 64, "index_topk": 16,
 "sliding_window": 32, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 128,
 "routed_scaling_factor": 1.5, "vocab_size": 512)"},
}};

}  // namespace

std::vector<std::string_view> SyntheticModel::presets() {
  std::vector<std::string_view> names;
  for (const Preset& preset : kPresets) names.push_back(preset.name);
  return names;
}

Result<std::string> synthetic_config_text(std::string_view preset) {
  const auto found = std::ranges::find(kPresets, preset, &Preset::name);
  if (found != kPresets.end()) return concat("{", kCommonKeys, ",\n ", found->keys, "}");
  std::string names;
  for (const Preset& known : kPresets) names += concat(names.empty() ? "" : ", ", known.name);
  return Status(StatusCode::kInvalidArgument,
                concat("preset: expected one of ", names, ", found \"", preset, "\""));
}

}  // namespace fathom
