// SPDX-License-Identifier: MIT
// ModelConfig: every number of a checkpoint's config.json, validated (architecture.md 1; design.md 3).
//
// Invariant: a ModelConfig that came from parse_model_config satisfies every rule of config_rules.h; nothing
// else in the program re-checks it. Pure data, immutable after construction, shared freely between threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "io/json.h"

namespace fathom {

// What a layer attends to besides its window.
enum class LayerKind : uint8_t {
  kWindow,  // nothing (ratio 0)
  kCsa,     // compressed entries with overlap, chosen by the indexer
  kHca,     // compressed entries without overlap, all visible ones
};

enum class RouterKind : uint8_t { kScored, kHashed };
enum class ScoringFunc : uint8_t { kSqrtSoftplus, kSigmoid, kSoftmax };
// How routed experts are stored; kSame: like every other matrix of the checkpoint.
enum class ExpertDtype : uint8_t { kSame, kFp4 };

// Rotation of the last qk_rope_head_dim channels (architecture.md 3).
struct RopeConfig {
  double theta = 10000.0;
  bool yarn = false;  // the four numbers below count only then
  double factor = 1.0;
  double original_max_position_embeddings = 0.0;
  double beta_fast = 32.0;
  double beta_slow = 1.0;
};

struct LayerConfig {
  LayerKind kind = LayerKind::kWindow;
  int compress_ratio = 0;  // m; 0 exactly when kind is kWindow
  RouterKind router = RouterKind::kScored;
  RopeConfig rope;  // plain for kWindow, compress theta with YaRN (when configured) otherwise

  bool overlap() const noexcept { return kind == LayerKind::kCsa; }
  bool compressed() const noexcept { return kind != LayerKind::kWindow; }
  // Width of a compressor's C and Z rows for a pooled head of `head_dim` channels: 2 head_dim with overlap.
  int compressor_width(int head_dim) const noexcept { return overlap() ? 2 * head_dim : head_dim; }
};

struct ModelConfig {
  int vocab_size = 0;
  int hidden_size = 0;  // D
  int num_hidden_layers = 0;
  int num_attention_heads = 0;  // H
  int head_dim = 0;             // c
  int qk_rope_head_dim = 0;     // r
  int q_lora_rank = 0;
  int o_groups = 0;
  int o_lora_rank = 0;
  int index_n_heads = 0;
  int index_head_dim = 0;  // c_I
  int index_topk = 0;
  int n_routed_experts = 0;
  int n_shared_experts = 0;
  int num_experts_per_tok = 0;  // k
  int moe_intermediate_size = 0;
  int num_hash_layers = 0;
  int sliding_window = 0;  // W, the token itself included
  int hc_mult = 0;         // n
  int hc_sinkhorn_iters = 0;
  double hc_eps = 0.0;
  double rms_norm_eps = 0.0;
  double routed_scaling_factor = 1.0;
  double swiglu_limit = 0.0;  // 0: no clamp
  bool norm_topk_prob = true;
  ScoringFunc scoring_func = ScoringFunc::kSqrtSoftplus;
  int num_nextn_predict_layers = 0;  // 0 or 1
  int64_t max_position_embeddings = 0;
  int bos_token_id = 0;
  int eos_token_id = 1;
  bool quantized = false;  // quantization_config present: FP8 matrices
  ExpertDtype expert_dtype = ExpertDtype::kSame;
  bool dspark = false;  // a key starting with "dspark_" exists (chat.md: official dialect)

  std::vector<LayerConfig> layers;  // num_hidden_layers
  LayerConfig mtp_layer;            // the block of the MTP layer; counts when num_nextn_predict_layers == 1

  int hc_mix_size() const noexcept { return (2 + hc_mult) * hc_mult; }
  int shared_intermediate_size() const noexcept { return n_shared_experts * moe_intermediate_size; }
  int nope_dim() const noexcept { return head_dim - qk_rope_head_dim; }
};

// Reads both spellings of config.json (architecture.md 1). Errors name the key: kCorrupt for values that
// contradict each other or are out of range, kUnsupported for values whose mechanism does not exist here.
Result<ModelConfig> parse_model_config(const JsonValue& root);
Result<ModelConfig> parse_model_config_text(std::string_view text);

}  // namespace fathom
