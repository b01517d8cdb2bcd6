// SPDX-License-Identifier: MIT
#include "engine/loaded_model.h"

#include "config/claims.h"
#include "engine/builtin_model.h"
#include "io/directory.h"
#include "io/read_file.h"
#include "weights/bind_model.h"

namespace fathom {
namespace {

constexpr int64_t kMaxTokenizerBytes = 64 << 20;  // V4's is 6 MB
constexpr int64_t kMaxEncodingBytes = 1 << 20;    // the checkpoints' encoding script is 30 KB

Result<std::string> config_text(IoEnv& env, const std::string& name) {
  if (name == kBuiltinModelName) return std::string(builtin_model().config);
  return read_config_text(env, name);
}

// The checkpoint's encoding script as text; empty when there is none.
Result<std::string> encoding_text(IoEnv& env, const std::string& model) {
  const auto directory = Directory::open(env, model + "/encoding");
  if (!directory.ok()) {
    return directory.status().code() == StatusCode::kNotFound ? Result<std::string>(std::string())
                                                              : Result<std::string>(directory.status());
  }
  auto text = read_file(*directory, "encoding_dsv4.py", kMaxEncodingBytes);
  if (!text.ok() && text.status().code() == StatusCode::kNotFound) return std::string();
  return text;
}

}  // namespace

Result<std::unique_ptr<LoadedModel>> LoadedModel::open(IoEnv& env, const std::string& name) {
  FATHOM_ASSIGN_OR_RETURN(ModelConfig config, open_config(env, name));
  FATHOM_ASSIGN_OR_RETURN(WeightStore store, open_weights(env, name));
  return bind(std::move(config), std::move(store));
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::from_memory(std::string_view config_text,
                                                              std::span<const std::byte> safetensors) {
  FATHOM_ASSIGN_OR_RETURN(ModelConfig config, parse_model_config_text(config_text));
  FATHOM_ASSIGN_OR_RETURN(WeightStore store, WeightStore::from_memory(safetensors));
  return bind(std::move(config), std::move(store));
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::bind(ModelConfig config, WeightStore store) {
  FATHOM_ASSIGN_OR_RETURN(ModelWeights weights, bind_model(config, store));
  return std::unique_ptr<LoadedModel>(
      new LoadedModel(std::move(store), Model(std::move(config), std::move(weights))));
}

int64_t LoadedModel::parameters() const noexcept { return count_parameters(model_.config).total; }

Result<WeightStore> open_weights(IoEnv& env, const std::string& name) {
  if (name == kBuiltinModelName) return WeightStore::from_memory(builtin_model().weights);
  return WeightStore::open(env, name);
}

Result<ModelConfig> open_config(IoEnv& env, const std::string& name) {
  FATHOM_ASSIGN_OR_RETURN(const std::string text, config_text(env, name));
  return parse_model_config_text(text);
}

Result<Tokenizer> open_tokenizer(IoEnv& env, const std::string& name) {
  if (name == kBuiltinModelName) return Tokenizer::from_json(builtin_model().tokenizer);
  const auto directory = Directory::open(env, name);
  if (directory.ok()) {
    FATHOM_ASSIGN_OR_RETURN(const std::string text,
                            read_file(*directory, "tokenizer.json", kMaxTokenizerBytes));
    return Tokenizer::from_json(text);
  }
  FATHOM_ASSIGN_OR_RETURN(const File file, open_path(env, name));
  FATHOM_ASSIGN_OR_RETURN(const std::string text, read_file(file, name, kMaxTokenizerBytes));
  return Tokenizer::from_json(text);
}

Result<Dialect> open_dialect(IoEnv& env, const std::string& name) {
  if (name == kBuiltinModelName) return Dialect::kPreview;
  if (!Directory::open(env, name).ok()) return Dialect::kPreview;
  FATHOM_ASSIGN_OR_RETURN(const std::string encoding, encoding_text(env, name));
  const auto config = open_config(env, name);
  return detect_dialect({.encoding_text = encoding, .config_has_dspark_key = config.ok() && config->dspark});
}

}  // namespace fathom
