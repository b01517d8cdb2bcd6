// SPDX-License-Identifier: MIT
#include "config/model_config.h"

#include <array>
#include <cmath>
#include <optional>

#include "base/concat.h"
#include "config/config_fields.h"
#include "config/config_rules.h"
#include "config/layer_plan.h"

namespace fathom {
namespace {

Status unsupported(std::string_view key, std::string_view expected, const JsonValue& found) {
  return Status(StatusCode::kUnsupported, std::string(wrong_field(key, expected, &found).message()));
}

// A key whose only supported value is this one; a missing key means it.
struct OnlyValue {
  std::string_view key;
  std::string_view value;  // JSON text
};
constexpr OnlyValue kOnlyValues[] = {
    {"model_type", "\"deepseek_v4\""}, {"num_key_value_heads", "1"}, {"tie_word_embeddings", "false"},
    {"attention_bias", "false"},       {"mlp_bias", "false"},        {"hidden_act", "\"silu\""},
    {"topk_method", "\"noaux_tc\""},
};
constexpr OnlyValue kQuantizationValues[] = {
    {"quant_method", "\"fp8\""},          {"fmt", "\"e4m3\""},
    {"scale_fmt", "\"ue8m0\""},           {"weight_block_size", "[128, 128]"},
    {"activation_scheme", "\"dynamic\""},
};

Status check_only_values(std::span<const OnlyValue> table, const JsonValue& object, std::string_view where) {
  for (const OnlyValue& only : table) {
    const JsonValue* found = object.find(only.key);
    if (found != nullptr && write_json(*found) != only.value) {
      return unsupported(concat(where, only.key), only.value, *found);
    }
  }
  return {};
}

// Keys of V4.1: mechanisms that do not exist here. dspark_ keys only mark the official chat dialect.
Status check_foreign_keys(const JsonValue& root, ModelConfig& config) {
  for (const auto& [key, value] : root.members()) {
    if (key.starts_with("dspark_")) config.dspark = true;
    if (key.starts_with("engram_") || key == "text_config" || key == "vision_config" || key == "kv_source" ||
        key == "index_source") {
      return Status(StatusCode::kUnsupported, concat(key, ": expected a V4 config, found a key of V4.1"));
    }
  }
  return {};
}

// qk_rope_head_dim, or its older form as a share of head_dim.
Status read_rope_dim(const JsonValue& root, ModelConfig& config) {
  const ConfigField<ModelConfig> field{"qk_rope_head_dim", &ModelConfig::qk_rope_head_dim, 2,
                                       kMaxConfigDimension};
  const JsonValue* share = root.find("partial_rotary_factor");
  if (root.find(field.key) != nullptr || share == nullptr) return read_field(field, root, "", config);
  const std::optional<double> factor = share->is_number() ? share->as_double() : std::nullopt;
  if (!factor || !(*factor > 0.0 && *factor <= 1.0)) {
    return wrong_field("partial_rotary_factor", "a number above 0 and up to 1", share);
  }
  const double channels = *factor * config.head_dim;
  if (channels != std::floor(channels) || channels < 2.0) {
    return wrong_field("partial_rotary_factor",
                       concat("a whole number of the ", config.head_dim, " channels"), share);
  }
  config.qk_rope_head_dim = static_cast<int>(channels);
  return {};
}

Status read_scoring_func(const JsonValue& root, ModelConfig& config) {
  const JsonValue* found = root.find("scoring_func");
  const std::string_view name =
      found != nullptr && found->is_string() ? std::string_view(found->as_string()) : "";
  if (name == "sqrtsoftplus") {
    config.scoring_func = ScoringFunc::kSqrtSoftplus;
  } else if (name == "sigmoid") {
    config.scoring_func = ScoringFunc::kSigmoid;
  } else if (name == "softmax") {
    config.scoring_func = ScoringFunc::kSoftmax;
  } else {
    return wrong_field("scoring_func", "sqrtsoftplus, sigmoid or softmax", found);
  }
  return {};
}

// Without quantization_config nothing is FP8 or FP4, whatever expert_dtype says (architecture.md 1).
Status read_quantization(const JsonValue& root, ModelConfig& config) {
  const JsonValue* quantization = root.find("quantization_config");
  config.quantized = quantization != nullptr && !quantization->is_null();
  if (config.quantized) {
    if (!quantization->is_object()) return wrong_field("quantization_config", "an object", quantization);
    FATHOM_RETURN_IF_ERROR(check_only_values(kQuantizationValues, *quantization, "quantization_config."));
  }
  const JsonValue* experts = root.find("expert_dtype");
  if (experts == nullptr || experts->is_null()) return {};
  const std::string_view name = experts->is_string() ? std::string_view(experts->as_string()) : "";
  if (name != "fp4" && name != "fp8" && name != "bf16")
    return wrong_field("expert_dtype", "fp4, fp8 or bf16", experts);
  if (name == "fp4" && config.quantized) config.expert_dtype = ExpertDtype::kFp4;
  return {};
}

Result<ModelConfig> parse(const JsonValue& root) {
  if (!root.is_object()) return wrong_field("the whole text", "an object", &root);
  ModelConfig config;
  FATHOM_RETURN_IF_ERROR(check_foreign_keys(root, config));
  FATHOM_RETURN_IF_ERROR(check_only_values(kOnlyValues, root, ""));
  for (const auto& field : model_fields()) FATHOM_RETURN_IF_ERROR(read_field(field, root, "", config));
  FATHOM_RETURN_IF_ERROR(read_rope_dim(root, config));
  FATHOM_RETURN_IF_ERROR(read_scoring_func(root, config));
  FATHOM_RETURN_IF_ERROR(read_quantization(root, config));
  if (config.num_nextn_predict_layers > 1) {
    return Status(StatusCode::kUnsupported, concat("num_nextn_predict_layers: expected 0 or 1, found ",
                                                   config.num_nextn_predict_layers));
  }
  FATHOM_RETURN_IF_ERROR(read_layer_plan(root, config));
  FATHOM_RETURN_IF_ERROR(check_config_rules(config));
  return config;
}

}  // namespace

Result<ModelConfig> parse_model_config(const JsonValue& root) {
  Result<ModelConfig> config = parse(root);
  if (!config.ok()) return config.status().in("config.json");
  return config;
}

Result<ModelConfig> parse_model_config_text(std::string_view text) {
  const Result<JsonValue> root = read_json(text);
  if (root.ok()) return parse_model_config(*root);
  // Python writes NaN and Infinity; reading them too lets the error name the field instead of a byte.
  JsonReadOptions lenient;
  lenient.leniency = JsonReadOptions::Leniency::kPython;
  const Result<JsonValue> python = read_json(text, lenient);
  const Status field = python.ok() ? parse_model_config(*python).status() : Status();
  return field.ok() ? root.status().in("config.json") : field;
}

}  // namespace fathom
