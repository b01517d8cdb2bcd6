// SPDX-License-Identifier: MIT
// Opening a model by name: a directory or builtin:tiny-chat (conformance.md, MODEL). Each part is opened on
// its own, so a command that needs no weights, or no tokenizer, does not ask for them.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "io/io_env.h"
#include "model/model.h"
#include "text/chat_dialect.h"
#include "text/tokenizer.h"
#include "weights/weight_store.h"

namespace fathom {

// Weights and the model bound to them. Immutable; views into the store stay valid while it lives.
class LoadedModel {
 public:
  static Result<std::unique_ptr<LoadedModel>> open(IoEnv& env, const std::string& name);
  // From the bytes of config.json and of one safetensors file; the latter must outlive the model.
  static Result<std::unique_ptr<LoadedModel>> from_memory(std::string_view config_text,
                                                          std::span<const std::byte> safetensors);

  const Model& model() const noexcept { return model_; }
  const WeightStore& store() const noexcept { return store_; }
  // Number of parameters, embeddings and draft layer included.
  int64_t parameters() const noexcept;

 private:
  static Result<std::unique_ptr<LoadedModel>> bind(ModelConfig config, WeightStore store);

  LoadedModel(WeightStore store, Model model) : store_(std::move(store)), model_(std::move(model)) {}

  WeightStore store_;
  Model model_;
};

// The weights of a model, headers read and checked, nothing bound.
Result<WeightStore> open_weights(IoEnv& env, const std::string& name);

// The validated config.json of a model.
Result<ModelConfig> open_config(IoEnv& env, const std::string& name);

// The tokenizer of a model; `name` may also be a tokenizer.json.
Result<Tokenizer> open_tokenizer(IoEnv& env, const std::string& name);

// Which effort texts a checkpoint was trained with (chat.md, "Which dialect"); a tokenizer.json alone means
// preview.
Result<Dialect> open_dialect(IoEnv& env, const std::string& name);

}  // namespace fathom
