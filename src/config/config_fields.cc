// SPDX-License-Identifier: MIT
#include "config/config_fields.h"

#include <cmath>

#include "base/concat.h"

namespace fathom {
namespace {

using M = ModelConfig;
constexpr double kDim = kMaxConfigDimension;
constexpr auto kOptional = FieldPresence::kOptional;
constexpr auto kCsaOnly = FieldPresence::kCsaOnly;
constexpr auto kReplaced = FieldPresence::kReplaced;

// Zero is legal only where it means "none" (hash layers, shared experts, clamp, MTP).
constexpr ConfigField<M> kModelFields[] = {
    {"vocab_size", &M::vocab_size, 1, kMaxConfigVocab},
    {"hidden_size", &M::hidden_size, 1, kDim},
    {"num_hidden_layers", &M::num_hidden_layers, 1, kMaxConfigLayers},
    {"num_attention_heads", &M::num_attention_heads, 1, kDim},
    {"head_dim", &M::head_dim, 2, kDim},
    {"qk_rope_head_dim", &M::qk_rope_head_dim, 2, kDim, kReplaced},
    {"q_lora_rank", &M::q_lora_rank, 1, kDim},
    {"o_groups", &M::o_groups, 1, kDim},
    {"o_lora_rank", &M::o_lora_rank, 1, kDim},
    {"index_n_heads", &M::index_n_heads, 1, kDim, kCsaOnly},
    {"index_head_dim", &M::index_head_dim, 2, kDim, kCsaOnly},
    {"index_topk", &M::index_topk, 1, kDim, kCsaOnly},
    {"n_routed_experts", &M::n_routed_experts, 1, kDim},
    {"n_shared_experts", &M::n_shared_experts, 0, 1024},
    {"num_experts_per_tok", &M::num_experts_per_tok, 1, kDim},
    {"moe_intermediate_size", &M::moe_intermediate_size, 1, kDim},
    {"num_hash_layers", &M::num_hash_layers, 0, kMaxConfigLayers, kReplaced},
    {"sliding_window", &M::sliding_window, 1, kDim},
    {"hc_mult", &M::hc_mult, 1, 64},
    {"hc_sinkhorn_iters", &M::hc_sinkhorn_iters, 1, 10'000},
    {"hc_eps", &M::hc_eps, 1e-30, 0.1},
    {"rms_norm_eps", &M::rms_norm_eps, 1e-30, 0.1},
    {"routed_scaling_factor", &M::routed_scaling_factor, 1e-6, 1e6},
    {"swiglu_limit", &M::swiglu_limit, 0, 1e6},
    {"norm_topk_prob", &M::norm_topk_prob},
    {"num_nextn_predict_layers", &M::num_nextn_predict_layers, 0, kMaxConfigLayers, kOptional},
    {"max_position_embeddings", &M::max_position_embeddings, 1, kMaxConfigPositions},
    {"bos_token_id", &M::bos_token_id, 0, kMaxConfigVocab - 1, kOptional},
    {"eos_token_id", &M::eos_token_id, 0, kMaxConfigVocab - 1, kOptional},
};

// The base must exceed 1: YaRN divides by its logarithm.
constexpr ConfigField<RopeBases> kRopeBaseFields[] = {
    {"rope_theta", &RopeBases::rope_theta, 1.5, 1e9},
    {"compress_rope_theta", &RopeBases::compress_rope_theta, 1.5, 1e9},
};

constexpr ConfigField<RopeConfig> kYarnFields[] = {
    {"factor", &RopeConfig::factor, 1, 1e6},
    {"original_max_position_embeddings", &RopeConfig::original_max_position_embeddings, 1,
     kMaxConfigPositions},
    {"beta_fast", &RopeConfig::beta_fast, 1e-3, 1e6, kOptional},
    {"beta_slow", &RopeConfig::beta_slow, 1e-3, 1e6, kOptional},
};

template <typename T>
Status read_number(std::string_view key, double min, double max, const JsonValue& found, T& out) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!found.is_bool()) return wrong_field(key, "true or false", &found);
    out = found.as_bool();
  } else if constexpr (std::is_same_v<T, double>) {
    const std::optional<double> value = found.is_number() ? found.as_double() : std::nullopt;
    if (!value || !std::isfinite(*value) || *value < min || *value > max) {
      return wrong_field(key, concat("a number from ", min, " to ", max), &found);
    }
    out = *value;
  } else {
    const std::optional<int64_t> value = found.is_number() ? found.as_int64() : std::nullopt;
    if (!value || *value < static_cast<int64_t>(min) || *value > static_cast<int64_t>(max)) {
      return wrong_field(
          key, concat("an integer from ", static_cast<int64_t>(min), " to ", static_cast<int64_t>(max)),
          &found);
    }
    out = static_cast<T>(*value);
  }
  return {};
}

}  // namespace

std::span<const ConfigField<ModelConfig>> model_fields() { return kModelFields; }
std::span<const ConfigField<RopeBases>> rope_base_fields() { return kRopeBaseFields; }
std::span<const ConfigField<RopeConfig>> yarn_fields() { return kYarnFields; }

Status wrong_field(std::string_view key, std::string_view expected, const JsonValue* found) {
  std::string shown = "nothing";
  if (found != nullptr) shown = std::string(found->kind_name());
  if (found != nullptr && found->is_number()) shown = found->as_number_text().substr(0, 40);
  if (found != nullptr && found->is_string() && found->as_string().size() <= 40) shown = write_json(*found);
  return Status(StatusCode::kCorrupt, concat(key, ": expected ", expected, ", found ", shown));
}

template <typename Owner>
Status read_field(const ConfigField<Owner>& field, const JsonValue& object, std::string_view where,
                  Owner& owner) {
  const JsonValue* found = object.find(field.key);
  const std::string key = concat(where, field.key);
  if (found == nullptr) {
    return field.presence == FieldPresence::kRequired ? wrong_field(key, "a value", nullptr) : Status();
  }
  return std::visit(
      [&](auto member) { return read_number(key, field.min, field.max, *found, owner.*member); },
      field.member);
}

template Status read_field(const ConfigField<ModelConfig>&, const JsonValue&, std::string_view, ModelConfig&);
template Status read_field(const ConfigField<RopeBases>&, const JsonValue&, std::string_view, RopeBases&);
template Status read_field(const ConfigField<RopeConfig>&, const JsonValue&, std::string_view, RopeConfig&);

}  // namespace fathom
