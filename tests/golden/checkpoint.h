// SPDX-License-Identifier: MIT
// A checkpoint opened for a test, through the product's own path: parse, open, bind. A failure ends the
// process with its message, because every test that follows would be without meaning.
//
// Immutable after construction; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "config/model_config.h"
#include "weights/bind_model.h"
#include "weights/weight_store.h"

namespace fathom {

struct Checkpoint {
  ModelConfig config;
  WeightStore store;  // owns what `weights` views
  ModelWeights weights;
};

Checkpoint open_checkpoint(const std::string& directory);
// fixtures/model/<name>.
Checkpoint open_fixture_checkpoint(std::string_view name);
// config.json's text and the bytes of model.safetensors, which must outlive the result.
Checkpoint open_checkpoint_in_memory(std::string_view config_text, std::span<const std::byte> safetensors);

}  // namespace fathom
