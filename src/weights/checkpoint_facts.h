// SPDX-License-Identifier: MIT
// What is in a checkpoint, from its headers alone: counts and bytes by format and by part (conformance.md,
// `inspect`). A value; pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/model_config.h"
#include "io/json.h"
#include "weights/tensor_names.h"
#include "weights/weight_store.h"

namespace fathom {

// A class of tensors: those of one dtype ("F8_E4M3"), or those of one part of the model ("routed experts").
struct TensorGroup {
  std::string name;
  int64_t tensors = 0;
  int64_t bytes = 0;
};

struct CheckpointFacts {
  TensorSpelling spelling = TensorSpelling::kReleased;
  int64_t files = 0;
  int64_t file_bytes = 0;
  int64_t tensors = 0;
  int64_t tensor_bytes = 0;
  std::vector<TensorGroup> formats;  // largest first
  std::vector<TensorGroup> parts;    // largest first
};

CheckpointFacts describe_checkpoint(const WeightStore& store);

// The whole of `fathom inspect`; `facts` is absent where there is only a config.
JsonValue inspect_json(const ModelConfig& config, const std::optional<CheckpointFacts>& facts);
std::string inspect_text(const ModelConfig& config, const std::optional<CheckpointFacts>& facts);

}  // namespace fathom
