// SPDX-License-Identifier: MIT
// ParameterSet: all parameters of a model in training, and the structs through which model and backward pass
// see them (training.md 1, 7).
//
// Invariant: `weights` and `gradients` are views into `parameters` and `tables`, whose memory never moves.
// Owned by the trainer.
#pragma once

#include <string>
#include <vector>

#include "config/model_config.h"
#include "model/gradients.h"
#include "train/model_walk.h"
#include "train/parameter.h"
#include "weights/model_weights.h"

namespace fathom {

// Which weights are trained as the deployed format will hold them (training.md 7).
struct QuantisationAware {
  bool fp8 = false;  // dense matrices, and experts that are not fp4
  bool fp4 = false;  // routed experts
  bool any() const noexcept { return fp8 || fp4; }
};

// tid2eid of a hash layer: fixed, not trained.
struct ExpertTable {
  std::string name;
  MatBuf<int32_t> experts;  // [vocab, k]
};

class ParameterSet {
 public:
  // Zeros. kUnsupported where the config asks for what training does not do; kResourceExhausted without
  // memory.
  static Result<ParameterSet> create(const ModelConfig& config, DraftModule draft, QuantisationAware formats);

  // Copies every value of a bound model of the same config, with exact values of quantised weights.
  Status load(const ModelConfig& config, const ModelWeights& from);
  // Shadows anew after the masters changed.
  void refresh_shadows() noexcept;
  void clear_gradients() noexcept;

  DraftModule draft() const noexcept { return weights.mtp ? DraftModule::kPresent : DraftModule::kAbsent; }
  // Null when there is none.
  Parameter* find(std::string_view name) noexcept;

  std::vector<Parameter> parameters;  // in the order of walk_model
  std::vector<ExpertTable> tables;
  ModelWeights weights;
  ModelGradients gradients;
};

}  // namespace fathom
