// SPDX-License-Identifier: MIT
// Both spellings of config.json, and every refusal of reliability.md F-3, generated from the field tables.
#include "config/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"
#include "config/config_fields.h"
#include "config/config_rules.h"
#include "io/directory.h"
#include "io/read_file.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string config_text(const std::string& path) {
  Result<File> file = open_path(system_io(), std::string(FATHOM_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file.ok()) << file.status().message();
  return read_file(*file, path, 1 << 20).value();
}

JsonValue config_json(const std::string& path) { return read_json(config_text(path)).value(); }
JsonValue flash_json() { return config_json("tests/fixtures/configs/flash.json"); }

ModelConfig parse(const std::string& path) {
  Result<ModelConfig> config = parse_model_config_text(config_text(path));
  EXPECT_TRUE(config.ok()) << path << ": " << config.status().message();
  return std::move(config).value();
}

// The member of a nested object, to be changed.
JsonValue& member(JsonValue& object, std::string_view key) {
  for (auto& [name, value] : object.members()) {
    if (name == key) return value;
  }
  ADD_FAILURE() << "no key " << key;
  return object;
}

void erase(JsonValue& object, std::string_view key) {
  std::erase_if(object.members(), [&](const JsonValue::Member& entry) { return entry.first == key; });
}

JsonValue integers(const std::vector<int64_t>& values) {
  std::vector<JsonValue> items;
  for (const int64_t value : values) items.push_back(JsonValue::integer(value));
  return JsonValue::array(std::move(items));
}

Status status_of(const JsonValue& root) { return parse_model_config_text(write_json(root)).status(); }

std::vector<int> ratios_of(const ModelConfig& config) {
  std::vector<int> ratios;
  for (const LayerConfig& layer : config.layers) ratios.push_back(layer.compress_ratio);
  return ratios;
}

TEST(ModelConfig, FlashReadsAsTheTableOfArchitecture1) {
  const ModelConfig config = parse("tests/fixtures/configs/flash.json");
  EXPECT_EQ(config.num_hidden_layers, 43);
  EXPECT_EQ(config.hidden_size, 4096);
  EXPECT_EQ(config.num_attention_heads, 64);
  EXPECT_EQ(config.head_dim, 512);
  EXPECT_EQ(config.qk_rope_head_dim, 64);
  EXPECT_EQ(config.nope_dim(), 448);
  EXPECT_EQ(config.q_lora_rank, 1024);
  EXPECT_EQ(config.o_groups, 8);
  EXPECT_EQ(config.o_lora_rank, 1024);
  EXPECT_EQ(config.index_n_heads, 64);
  EXPECT_EQ(config.index_head_dim, 128);
  EXPECT_EQ(config.index_topk, 512);
  EXPECT_EQ(config.n_routed_experts, 256);
  EXPECT_EQ(config.num_experts_per_tok, 6);
  EXPECT_EQ(config.shared_intermediate_size(), 2048);
  EXPECT_EQ(config.num_hash_layers, 3);
  EXPECT_EQ(config.sliding_window, 128);
  EXPECT_EQ(config.hc_mix_size(), 24);
  EXPECT_EQ(config.hc_sinkhorn_iters, 20);
  EXPECT_EQ(config.hc_eps, 1e-6);
  EXPECT_EQ(config.routed_scaling_factor, 1.5);
  EXPECT_EQ(config.swiglu_limit, 10.0);
  EXPECT_EQ(config.scoring_func, ScoringFunc::kSqrtSoftplus);
  EXPECT_TRUE(config.norm_topk_prob);
  EXPECT_EQ(config.vocab_size, 129280);
  EXPECT_EQ(config.max_position_embeddings, 1048576);
  EXPECT_TRUE(config.quantized);
  EXPECT_EQ(config.expert_dtype, ExpertDtype::kFp4);
  EXPECT_EQ(config.num_nextn_predict_layers, 1);
  EXPECT_FALSE(config.dspark);
}

TEST(ModelConfig, FlashLayersAlternateAndOnlyCompressedOnesAreScaled) {
  const ModelConfig config = parse("tests/fixtures/configs/flash.json");
  ASSERT_EQ(config.layers.size(), 43u);
  for (size_t i = 0; i < 43; ++i) {
    const LayerConfig& layer = config.layers[i];
    const LayerKind kind = i < 2 ? LayerKind::kWindow : i % 2 == 0 ? LayerKind::kCsa : LayerKind::kHca;
    EXPECT_EQ(layer.kind, kind) << i;
    EXPECT_EQ(layer.compress_ratio, i < 2 ? 0 : i % 2 == 0 ? 4 : 128) << i;
    EXPECT_EQ(layer.router, i < 3 ? RouterKind::kHashed : RouterKind::kScored) << i;
    EXPECT_EQ(layer.rope.yarn, i >= 2) << i;
    EXPECT_EQ(layer.rope.theta, i < 2 ? 10000.0 : 160000.0) << i;
    EXPECT_EQ(layer.compressor_width(512), kind == LayerKind::kCsa ? 1024 : 512) << i;
  }
  const RopeConfig& rope = config.layers[2].rope;
  EXPECT_EQ(rope.factor, 16.0);
  EXPECT_EQ(rope.original_max_position_embeddings, 65536.0);
  EXPECT_EQ(rope.beta_fast, 32.0);
  EXPECT_EQ(rope.beta_slow, 1.0);
  EXPECT_EQ(config.mtp_layer.kind, LayerKind::kWindow);
  EXPECT_EQ(config.mtp_layer.router, RouterKind::kScored);
  EXPECT_EQ(config.mtp_layer.rope.theta, 10000.0);
  EXPECT_FALSE(config.mtp_layer.rope.yarn);
}

TEST(ModelConfig, ProReadsAsTheTableOfArchitecture1) {
  const ModelConfig config = parse("tests/fixtures/configs/pro.json");
  EXPECT_EQ(config.num_hidden_layers, 61);
  EXPECT_EQ(config.hidden_size, 7168);
  EXPECT_EQ(config.num_attention_heads, 128);
  EXPECT_EQ(config.q_lora_rank, 1536);
  EXPECT_EQ(config.o_groups, 16);
  EXPECT_EQ(config.index_topk, 1024);
  EXPECT_EQ(config.n_routed_experts, 384);
  EXPECT_EQ(config.moe_intermediate_size, 3072);
  EXPECT_EQ(config.routed_scaling_factor, 2.5);
  EXPECT_EQ(config.layers[0].kind, LayerKind::kHca);
  EXPECT_EQ(config.layers[0].compress_ratio, 128);
  EXPECT_EQ(config.layers[60].kind, LayerKind::kCsa);
}

TEST(ModelConfig, EveryRatioButZeroAndFourIsHca) {
  const ModelConfig config = parse("tests/fixtures/model/odd-ratios/config.json");
  EXPECT_EQ(ratios_of(config), (std::vector<int>{16, 4, 8, 0}));
  EXPECT_EQ(config.layers[0].kind, LayerKind::kHca);
  EXPECT_EQ(config.layers[1].kind, LayerKind::kCsa);
  EXPECT_EQ(config.layers[2].kind, LayerKind::kHca);
  EXPECT_EQ(config.layers[3].kind, LayerKind::kWindow);
  EXPECT_EQ(config.scoring_func, ScoringFunc::kSoftmax);
  EXPECT_EQ(config.swiglu_limit, 0.0);
  EXPECT_EQ(config.layers[0].rope.theta, 40000.0);
  EXPECT_EQ(config.layers[3].rope.theta, 500.0);
  EXPECT_EQ(config.layers[0].rope.beta_fast, 16.0);
}

TEST(ModelConfig, LayerTypesGiveACsaLayerOfAnyRatio) {
  const ModelConfig config = parse("tests/fixtures/model/odd-types/config.json");
  EXPECT_EQ(ratios_of(config), (std::vector<int>{8, 16, 0}));
  EXPECT_EQ(config.layers[0].kind, LayerKind::kCsa);
  EXPECT_EQ(config.layers[1].kind, LayerKind::kHca);
  EXPECT_EQ(config.layers[2].kind, LayerKind::kWindow);
  EXPECT_EQ(config.num_hash_layers, 0);
  EXPECT_EQ(config.expert_dtype, ExpertDtype::kSame);
  EXPECT_EQ(config.scoring_func, ScoringFunc::kSigmoid);
}

TEST(ModelConfig, BothSpellingsOfOneModelAgree) {
  const ModelConfig released = parse("tests/fixtures/model/bf16/config.json");
  const ModelConfig transformers = parse("tests/fixtures/model/mixed-hf/config.json");
  EXPECT_EQ(ratios_of(released), ratios_of(transformers));
  ASSERT_EQ(released.layers.size(), transformers.layers.size());
  for (size_t i = 0; i < released.layers.size(); ++i) {
    const LayerConfig& a = released.layers[i];
    const LayerConfig& b = transformers.layers[i];
    EXPECT_EQ(a.kind, b.kind) << i;
    EXPECT_EQ(a.router, b.router) << i;
    EXPECT_EQ(a.rope.theta, b.rope.theta) << i;
    EXPECT_EQ(a.rope.yarn, b.rope.yarn) << i;
    EXPECT_EQ(a.rope.factor, b.rope.factor) << i;
    EXPECT_EQ(a.rope.original_max_position_embeddings, b.rope.original_max_position_embeddings) << i;
  }
  EXPECT_EQ(released.num_hash_layers, transformers.num_hash_layers);
  EXPECT_EQ(released.qk_rope_head_dim, transformers.qk_rope_head_dim);
  EXPECT_FALSE(released.quantized);
  EXPECT_FALSE(transformers.quantized);
}

TEST(ModelConfig, EveryShippedConfigParses) {
  for (const char* name : {"tests/fixtures/model/dense", "tests/fixtures/model/csa",
                           "tests/fixtures/model/hca", "tests/fixtures/model/mixed", "models/tiny-chat"}) {
    parse(concat(name, "/config.json"));
  }
}

TEST(ModelConfig, RotaryShareStandsForTheRopeDimension) {
  JsonValue root = config_json("tests/fixtures/model/mixed-hf/config.json");
  erase(root, "qk_rope_head_dim");
  EXPECT_EQ(parse_model_config(root)->qk_rope_head_dim, 16);  // 0.5 * 32
  root.set("partial_rotary_factor", JsonValue::number(0.51));
  EXPECT_THAT(status_of(root).message(), HasSubstr("partial_rotary_factor"));
  erase(root, "partial_rotary_factor");
  EXPECT_THAT(status_of(root).message(), HasSubstr("qk_rope_head_dim"));
}

TEST(ModelConfig, RopeTypeIsAnotherSpellingOfType) {
  JsonValue root = flash_json();
  JsonValue& scaling = member(root, "rope_scaling");
  erase(scaling, "type");
  scaling.set("rope_type", JsonValue::string("yarn"));
  scaling.set("attention_factor", JsonValue::number(0.7));  // ignored
  EXPECT_TRUE(parse_model_config(root)->layers[2].rope.yarn);
  scaling.set("rope_type", JsonValue::string("default"));
  EXPECT_FALSE(parse_model_config(root)->layers[2].rope.yarn);
  scaling.set("rope_type", JsonValue::string("linear"));
  EXPECT_EQ(status_of(root).code(), StatusCode::kUnsupported);
}

TEST(ModelConfig, WithoutQuantizationNothingIsFp4) {
  JsonValue root = flash_json();
  erase(root, "quantization_config");
  const Result<ModelConfig> config = parse_model_config(root);
  EXPECT_FALSE(config->quantized);
  EXPECT_EQ(config->expert_dtype, ExpertDtype::kSame);
}

TEST(ModelConfig, MissingMtpEntryOfTheRatiosMeansZero) {
  JsonValue root = flash_json();
  member(root, "compress_ratios").items().pop_back();
  EXPECT_EQ(parse_model_config(root)->mtp_layer.kind, LayerKind::kWindow);
}

TEST(ModelConfig, DsparkKeysMarkTheOfficialDialect) {
  JsonValue root = flash_json();
  root.set("dspark_layers", JsonValue::integer(2));
  EXPECT_TRUE(parse_model_config(root)->dspark);
}

// ---- F-3, generated ----

struct Variant {
  std::string name;
  std::optional<JsonValue> value;  // nothing: the key is missing
};

std::vector<Variant> variants() {
  std::vector<Variant> out;
  out.push_back({"missing", std::nullopt});
  out.push_back({"null", JsonValue()});
  out.push_back({"string", JsonValue::string("12")});
  out.push_back({"boolean number", JsonValue::array({})});
  out.push_back({"nested", JsonValue::object({})});
  for (const char* text : {"-1", "0", "1.5", "NaN", "Infinity", "1e400", "2147483648", "9007199254740993",
                           "9223372036854775808", "-9223372036854775809", "1e3"}) {
    out.push_back({text, JsonValue::number_text(text)});
  }
  return out;
}

// What the table itself allows: the only reasons for a variant to be accepted.
template <typename Owner>
bool is_legal(const ConfigField<Owner>& field, const Variant& variant) {
  if (!variant.value) return field.presence == FieldPresence::kOptional;
  if (!variant.value->is_number() || std::holds_alternative<bool Owner::*>(field.member)) return false;
  const auto value = variant.value->as_double();
  const bool is_real = std::holds_alternative<double Owner::*>(field.member);
  if (!value || (!is_real && !variant.value->as_int64())) return false;
  return *value >= field.min && *value <= field.max;
}

// Puts every variant of every field into `object` (a part of `root`); counts what was refused.
template <typename Owner>
int refuse_variants(std::span<const ConfigField<Owner>> fields, const std::vector<std::string>& path) {
  int refused = 0;
  for (const auto& field : fields) {
    for (const Variant& variant : variants()) {
      if (is_legal(field, variant)) continue;
      JsonValue root = flash_json();
      JsonValue* object = &root;
      for (const std::string& key : path) object = &member(*object, key);
      erase(*object, field.key);
      if (variant.value) object->set(field.key, variant.value->clone());
      const Status status = status_of(root);
      EXPECT_FALSE(status.ok()) << field.key << " = " << variant.name;
      EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(field.key))) << variant.name;
      EXPECT_THAT(std::string(status.message()), StartsWith("config.json: "));
      ++refused;
    }
  }
  return refused;
}

TEST(ModelConfig, EveryFieldRefusesEveryWrongValueByName) {
  int refused = refuse_variants(model_fields(), {});
  refused += refuse_variants(rope_base_fields(), {});
  refused += refuse_variants(yarn_fields(), {"rope_scaling"});
  // 29 + 2 + 4 fields times 16 variants, less the few that are legal.
  EXPECT_GT(refused, 500);
}

TEST(ModelConfig, BoundsAreAcceptedAtTheLimitAndRefusedBeyond) {
  struct Limit {
    const char* key;
    int64_t limit;
  };
  for (const Limit& limit :
       {Limit{"hidden_size", 1 << 20}, Limit{"vocab_size", 1 << 22}, Limit{"head_dim", 1 << 20},
        Limit{"num_attention_heads", 1 << 20}, Limit{"moe_intermediate_size", 1 << 20},
        Limit{"sliding_window", 1 << 20}, Limit{"n_routed_experts", 1 << 20}}) {
    for (const int64_t value : {limit.limit, limit.limit + 1, 10 * limit.limit}) {
      JsonValue root = flash_json();
      root.set(limit.key, JsonValue::integer(value));
      const Status status = status_of(root);
      EXPECT_EQ(status.ok(), value == limit.limit) << limit.key << " = " << value << ": " << status.message();
    }
  }
}

TEST(ModelConfig, LayersAreAcceptedAtTheLimitAndRefusedBeyond) {
  for (const int64_t layers : {1024, 1025, 10240}) {
    JsonValue root = flash_json();
    root.set("num_hidden_layers", JsonValue::integer(layers));
    root.set("compress_ratios", integers(std::vector<int64_t>(static_cast<size_t>(layers), 128)));
    EXPECT_EQ(status_of(root).ok(), layers == 1024) << layers;
  }
}

TEST(ModelConfig, ProductsOfLegalDimensionsAreBoundedToo) {
  JsonValue root = flash_json();
  root.set("num_attention_heads", JsonValue::integer(1 << 20));
  root.set("head_dim", JsonValue::integer(1 << 20));
  EXPECT_THAT(status_of(root).message(),
              HasSubstr("num_attention_heads * head_dim: expected at most 536870912"));
  root = flash_json();
  for (const char* key : {"hidden_size", "moe_intermediate_size", "n_routed_experts"}) {
    root.set(key, JsonValue::integer(1 << 20));
  }
  EXPECT_THAT(status_of(root).message(), HasSubstr("2^56 parameters"));
}

// ---- contradictions ----

struct Contradiction {
  const char* key;
  const char* value;
  StatusCode code;
  const char* message;
};

TEST(ModelConfig, ContradictionsAreRefusedByName) {
  constexpr auto kCorrupt = StatusCode::kCorrupt;
  constexpr auto kUnsupported = StatusCode::kUnsupported;
  const Contradiction table[] = {
      {"num_attention_heads", "63", kCorrupt,
       "num_attention_heads: expected a multiple of o_groups (8), found 63"},
      {"qk_rope_head_dim", "63", kCorrupt, "qk_rope_head_dim: expected an even number, found 63"},
      {"qk_rope_head_dim", "514", kCorrupt, "qk_rope_head_dim: expected at most head_dim (512), found 514"},
      {"num_experts_per_tok", "257", kCorrupt,
       "num_experts_per_tok: expected at most n_routed_experts (256), found 257"},
      {"index_head_dim", "96", kCorrupt, "index_head_dim: expected a power of two, found 96"},
      {"index_head_dim", "32", kCorrupt, "index_head_dim: expected at least qk_rope_head_dim (64), found 32"},
      {"hidden_size", "4100", kCorrupt, "hidden_size: expected a multiple of 32 (FP4 experts), found 4100"},
      {"moe_intermediate_size", "2049", kCorrupt, "moe_intermediate_size: expected a multiple of 32"},
      {"bos_token_id", "129280", kCorrupt, "bos_token_id: expected below vocab_size (129280), found 129280"},
      {"eos_token_id", "[1, 2]", kCorrupt, "eos_token_id: expected an integer"},
      {"num_nextn_predict_layers", "2", kUnsupported, "num_nextn_predict_layers: expected 0 or 1, found 2"},
      {"num_key_value_heads", "8", kUnsupported, "num_key_value_heads: expected 1, found 8"},
      {"model_type", "\"deepseek_v3\"", kUnsupported,
       "model_type: expected \"deepseek_v4\", found \"deepseek_v3\""},
      {"tie_word_embeddings", "true", kUnsupported, "tie_word_embeddings: expected false, found a boolean"},
      {"hidden_act", "\"gelu\"", kUnsupported, "hidden_act"},
      {"topk_method", "\"greedy\"", kUnsupported, "topk_method"},
      {"scoring_func", "\"sqrt\"", kCorrupt,
       "scoring_func: expected sqrtsoftplus, sigmoid or softmax, found \"sqrt\""},
      {"scoring_func", "null", kCorrupt, "scoring_func"},
      {"expert_dtype", "\"int4\"", kCorrupt, "expert_dtype: expected fp4, fp8 or bf16, found \"int4\""},
      {"quantization_config", "{\"quant_method\":\"gptq\"}", kUnsupported,
       "quantization_config.quant_method"},
      {"quantization_config", "{\"weight_block_size\":[32,32]}", kUnsupported,
       "quantization_config.weight_block_size"},
      {"quantization_config", "\"fp8\"", kCorrupt, "quantization_config: expected an object"},
      {"compress_ratios", "[0,0,4]", kCorrupt, "compress_ratios has 3 entries, needs 44 (43 layers + 1 MTP)"},
      {"compress_ratios", "{}", kCorrupt, "compress_ratios: expected an array, found an object"},
      {"compress_ratios", "null", kCorrupt, "compress_ratios"},
      {"num_hidden_layers", "45", kCorrupt, "compress_ratios has 44 entries, needs 46 (45 layers + 1 MTP)"},
      {"num_hidden_layers", "42", kCorrupt, "compress_ratios has 44 entries, needs 43 (42 layers + 1 MTP)"},
      {"layer_types", "[\"sliding_attention\"]", kCorrupt, "layer_types has 1 entries, needs 43"},
      {"mlp_layer_types", "[\"moe\"]", kCorrupt, "mlp_layer_types has 1 entries, needs 43"},
      {"rope_scaling", "[]", kCorrupt, "rope_scaling: expected an object"},
      {"rope_scaling", "{\"type\":\"yarn\"}", kCorrupt, "rope_scaling.factor"},
      {"rope_parameters", "{\"rope_theta\":10000}", kCorrupt,
       "rope_parameters.main: expected an object, found nothing"},
      {"engram_layer_ids", "[1,14]", kUnsupported,
       "engram_layer_ids: expected a V4 config, found a key of V4.1"},
      {"text_config", "{}", kUnsupported, "text_config"},
  };
  for (const Contradiction& row : table) {
    JsonValue root = flash_json();
    root.set(row.key, read_json(row.value).value());
    const Status status = status_of(root);
    EXPECT_EQ(status.code(), row.code) << row.key << " = " << row.value << ": " << status.message();
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.message)) << row.key << " = " << row.value;
  }
}

TEST(ModelConfig, EachRatioIsCheckedByItsPlace) {
  for (const char* bad : {"-1", "1.5", "\"4\"", "null", "1048577", "9007199254740993"}) {
    JsonValue root = flash_json();
    member(root, "compress_ratios").items()[7] = read_json(bad).value();
    EXPECT_THAT(status_of(root).message(), HasSubstr("compress_ratios[7]")) << bad;
  }
}

TEST(ModelConfig, LayerTypesAreCheckedByPlaceAndKind) {
  JsonValue root = config_json("tests/fixtures/model/odd-types/config.json");
  member(root, "layer_types").items()[1] = JsonValue::string("full_attention");
  EXPECT_THAT(status_of(root).message(), HasSubstr("layer_types[1]: expected sliding_attention"));
  root = config_json("tests/fixtures/model/odd-types/config.json");
  erase(member(root, "compress_rates"), "heavily_compressed_attention");
  EXPECT_THAT(status_of(root).message(), HasSubstr("compress_rates.heavily_compressed_attention"));
  root = config_json("tests/fixtures/model/odd-types/config.json");
  member(root, "mlp_layer_types").items()[2] = JsonValue::string("hash_moe");
  EXPECT_EQ(status_of(root).code(), StatusCode::kUnsupported);
  EXPECT_THAT(status_of(root).message(), HasSubstr("mlp_layer_types[2]"));
}

TEST(ModelConfig, LayerTypesWinOverRatios) {
  JsonValue root = config_json("tests/fixtures/model/odd-types/config.json");
  root.set("compress_ratios", integers({0, 0, 0}));
  EXPECT_EQ(ratios_of(*parse_model_config(root)), (std::vector<int>{8, 16, 0}));
}

TEST(ModelConfig, TextThatIsNoObjectIsRefused) {
  for (const char* text : {"", "[]", "null", "{", "{\"vocab_size\":1,\"vocab_size\":2}", "\xff"}) {
    const Status status = parse_model_config_text(text).status();
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << text;
    EXPECT_THAT(std::string(status.message()), StartsWith("config.json: ")) << text;
  }
}

TEST(ModelConfig, IndexerNumbersAreNeededOnlyWhereACsaLayerIs) {
  JsonValue root = config_json("tests/fixtures/model/hca/config.json");
  for (const char* key : {"index_n_heads", "index_head_dim", "index_topk"}) erase(root, key);
  EXPECT_TRUE(parse_model_config(root).ok());
  member(root, "compress_ratios").items()[0] = JsonValue::integer(4);
  EXPECT_THAT(status_of(root).message(), HasSubstr("index_n_heads"));
}

}  // namespace
}  // namespace fathom
