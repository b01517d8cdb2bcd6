// SPDX-License-Identifier: MIT
#include "config/layer_plan.h"

#include <algorithm>

#include "base/concat.h"
#include "config/config_fields.h"

namespace fathom {
namespace {

constexpr std::string_view kCsaName = "compressed_sparse_attention";
constexpr std::string_view kHcaName = "heavily_compressed_attention";
constexpr std::string_view kWindowName = "sliding_attention";

// A member that is present and not null.
const JsonValue* given(const JsonValue& object, std::string_view key) {
  const JsonValue* found = object.find(key);
  return found != nullptr && !found->is_null() ? found : nullptr;
}

std::string needed_entries(const ModelConfig& config) {
  std::string text = concat(config.num_hidden_layers + config.num_nextn_predict_layers, " (",
                            config.num_hidden_layers, " layers");
  if (config.num_nextn_predict_layers > 0) text += concat(" + ", config.num_nextn_predict_layers, " MTP");
  return text + ")";
}

// The number decides: 0 window, 4 CSA, anything else HCA.
LayerConfig layer_of_ratio(int ratio) {
  LayerConfig layer;
  layer.compress_ratio = ratio;
  layer.kind = ratio == 0 ? LayerKind::kWindow : ratio == 4 ? LayerKind::kCsa : LayerKind::kHca;
  return layer;
}

Result<int> read_ratio(const std::string& key, const JsonValue& value, int min) {
  const auto ratio = value.is_number() ? value.as_int64() : std::nullopt;
  if (!ratio || *ratio < min || *ratio > kMaxConfigDimension) {
    return wrong_field(key, concat("an integer from ", min, " to ", kMaxConfigDimension), &value);
  }
  return static_cast<int>(*ratio);
}

// One entry per layer, then, if the writer likes, one per MTP layer; a missing MTP entry is 0. A list that
// goes on by one although there is no MTP layer is common (the key was set to 0 by hand) and harmless.
Status read_compress_ratios(const JsonValue& list, ModelConfig& config) {
  if (!list.is_array()) return wrong_field("compress_ratios", "an array", &list);
  const size_t layers = static_cast<size_t>(config.num_hidden_layers);
  const size_t most = layers + static_cast<size_t>(std::max(config.num_nextn_predict_layers, 1));
  if (list.items().size() < layers || list.items().size() > most) {
    return Status(StatusCode::kCorrupt, concat("compress_ratios has ", list.items().size(),
                                               " entries, needs ", needed_entries(config)));
  }
  for (size_t i = 0; i < list.items().size(); ++i) {
    FATHOM_ASSIGN_OR_RETURN(const int ratio,
                            read_ratio(concat("compress_ratios[", i, "]"), list.items()[i], 0));
    if (i < layers) {
      config.layers.push_back(layer_of_ratio(ratio));
    } else {
      config.mtp_layer = layer_of_ratio(ratio);
    }
  }
  return {};
}

// Kind by name, ratio by kind; the only spelling of a CSA layer whose ratio is not 4.
Status read_layer_types(const JsonValue& list, const JsonValue* rates, ModelConfig& config) {
  if (!list.is_array()) return wrong_field("layer_types", "an array", &list);
  if (list.items().size() != static_cast<size_t>(config.num_hidden_layers)) {
    return Status(StatusCode::kCorrupt, concat("layer_types has ", list.items().size(), " entries, needs ",
                                               config.num_hidden_layers, " (one per layer)"));
  }
  for (size_t i = 0; i < list.items().size(); ++i) {
    const JsonValue& item = list.items()[i];
    const std::string key = concat("layer_types[", i, "]");
    const std::string_view name = item.is_string() ? std::string_view(item.as_string()) : "";
    LayerConfig layer;
    if (name == kCsaName) layer.kind = LayerKind::kCsa;
    if (name == kHcaName) layer.kind = LayerKind::kHca;
    if (layer.kind == LayerKind::kWindow && name != kWindowName) {
      return wrong_field(key, concat(kWindowName, ", ", kCsaName, " or ", kHcaName), &item);
    }
    if (layer.compressed()) {
      const JsonValue* rate = rates == nullptr ? nullptr : rates->find(name);
      const std::string rate_key = concat("compress_rates.", name);
      if (rate == nullptr) return wrong_field(rate_key, "an integer", nullptr);
      FATHOM_ASSIGN_OR_RETURN(layer.compress_ratio, read_ratio(rate_key, *rate, 1));
    }
    config.layers.push_back(layer);
  }
  return {};
}

// Hash layers come first, so their number says everything.
Status read_mlp_layer_types(const JsonValue& list, ModelConfig& config) {
  if (!list.is_array()) return wrong_field("mlp_layer_types", "an array", &list);
  if (list.items().size() != static_cast<size_t>(config.num_hidden_layers)) {
    return Status(StatusCode::kCorrupt,
                  concat("mlp_layer_types has ", list.items().size(), " entries, needs ",
                         config.num_hidden_layers, " (one per layer)"));
  }
  config.num_hash_layers = 0;
  for (size_t i = 0; i < list.items().size(); ++i) {
    const JsonValue& item = list.items()[i];
    const std::string_view name = item.is_string() ? std::string_view(item.as_string()) : "";
    const std::string key = concat("mlp_layer_types[", i, "]");
    if (name != "hash_moe" && name != "moe") return wrong_field(key, "hash_moe or moe", &item);
    if (name == "moe") continue;
    if (static_cast<size_t>(config.num_hash_layers) != i) {
      return Status(StatusCode::kUnsupported,
                    concat(key, ": expected hash layers first, found one after a moe layer"));
    }
    ++config.num_hash_layers;
  }
  return {};
}

Status read_routers(const JsonValue& root, ModelConfig& config) {
  if (const JsonValue* types = given(root, "mlp_layer_types")) {
    FATHOM_RETURN_IF_ERROR(read_mlp_layer_types(*types, config));
  } else {
    const ConfigField<ModelConfig> field{"num_hash_layers", &ModelConfig::num_hash_layers, 0,
                                         kMaxConfigLayers};
    FATHOM_RETURN_IF_ERROR(read_field(field, root, "", config));
  }
  // A slice of a model may keep the whole model's number.
  config.num_hash_layers = std::min(config.num_hash_layers, config.num_hidden_layers);
  for (int i = 0; i < config.num_hash_layers; ++i)
    config.layers[static_cast<size_t>(i)].router = RouterKind::kHashed;
  return {};
}

// rope_scaling, or rope_parameters.compress: what compressed layers add to their base frequency.
Status read_scaling(const JsonValue& object, std::string_view where, RopeConfig& rope) {
  if (!object.is_object()) return wrong_field(where, "an object", &object);
  const JsonValue* type = given(object, "rope_type");
  if (type == nullptr) type = given(object, "type");
  const std::string prefix = concat(where, ".");
  if (type == nullptr || !type->is_string()) return wrong_field(concat(prefix, "type"), "\"yarn\"", type);
  if (type->as_string() == "default") return {};
  if (type->as_string() != "yarn") {
    return Status(StatusCode::kUnsupported,
                  concat(prefix, "type: expected \"yarn\" or \"default\", found ", write_json(*type)));
  }
  rope.yarn = true;
  for (const auto& field : yarn_fields()) FATHOM_RETURN_IF_ERROR(read_field(field, object, prefix, rope));
  if (rope.beta_fast < rope.beta_slow) {
    return Status(StatusCode::kCorrupt, concat(prefix, "beta_fast: expected at least beta_slow (",
                                               rope.beta_slow, "), found ", rope.beta_fast));
  }
  return {};
}

struct RopePlan {
  RopeConfig window;      // layers with ratio 0: no scaling
  RopeConfig compressed;  // layers with ratio > 0
};

// rope_parameters of newer Transformers wins over the flat keys, which may stand beside it.
Result<RopePlan> read_rope(const JsonValue& root) {
  RopeBases bases;
  RopePlan plan;
  const auto theta = rope_base_fields();
  if (const JsonValue* parameters = given(root, "rope_parameters")) {
    const JsonValue* main = parameters->find("main");
    const JsonValue* compress = parameters->find("compress");
    if (main == nullptr || !main->is_object()) return wrong_field("rope_parameters.main", "an object", main);
    if (compress == nullptr || !compress->is_object()) {
      return wrong_field("rope_parameters.compress", "an object", compress);
    }
    FATHOM_RETURN_IF_ERROR(read_field(theta[0], *main, "rope_parameters.main.", bases));
    ConfigField<RopeBases> nested = theta[1];
    nested.key = "rope_theta";
    FATHOM_RETURN_IF_ERROR(read_field(nested, *compress, "rope_parameters.compress.", bases));
    FATHOM_RETURN_IF_ERROR(read_scaling(*compress, "rope_parameters.compress", plan.compressed));
  } else {
    for (const auto& field : theta) FATHOM_RETURN_IF_ERROR(read_field(field, root, "", bases));
    if (const JsonValue* scaling = given(root, "rope_scaling")) {
      FATHOM_RETURN_IF_ERROR(read_scaling(*scaling, "rope_scaling", plan.compressed));
    }
  }
  plan.window.theta = bases.rope_theta;
  plan.compressed.theta = bases.compress_rope_theta;
  return plan;
}

}  // namespace

Status read_layer_plan(const JsonValue& root, ModelConfig& config) {
  config.layers.clear();
  if (const JsonValue* types = given(root, "layer_types")) {
    FATHOM_RETURN_IF_ERROR(read_layer_types(*types, given(root, "compress_rates"), config));
  } else if (const JsonValue* ratios = given(root, "compress_ratios")) {
    FATHOM_RETURN_IF_ERROR(read_compress_ratios(*ratios, config));
  } else {
    return wrong_field("compress_ratios", "an array (or layer_types)", root.find("compress_ratios"));
  }
  FATHOM_RETURN_IF_ERROR(read_routers(root, config));
  FATHOM_ASSIGN_OR_RETURN(const RopePlan rope, read_rope(root));
  for (LayerConfig& layer : config.layers) layer.rope = layer.compressed() ? rope.compressed : rope.window;
  config.mtp_layer.rope = config.mtp_layer.compressed() ? rope.compressed : rope.window;
  return {};
}

}  // namespace fathom
