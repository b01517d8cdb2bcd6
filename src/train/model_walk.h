// SPDX-License-Identifier: MIT
// Every parameter of a model by its released name, in one fixed order, with its place in ModelWeights and in
// ModelGradients (architecture.md 10).
//
// The structs are given their lists and optional parts on the way, so that the same walk binds an empty model
// and reads a bound one.
#pragma once

#include <span>
#include <string>

#include "config/model_config.h"
#include "model/gradients.h"
#include "train/parameter.h"
#include "weights/model_weights.h"

namespace fathom {

// What a parameter is, before it has memory.
struct ParameterKind {
  std::string name;
  int64_t rows = 0;
  int64_t cols = 0;  // 0: a vector of `rows` elements
  Update update = Update::kMuon;
  Storage storage = Storage::kF32;
};

class ParameterVisitor {
 public:
  virtual ~ParameterVisitor() = default;
  virtual Status matrix(const ParameterKind& kind, WeightView& w, MatrixGradient& d_w) = 0;
  // wo_a: one matrix, a view a group of rows.
  virtual Status grouped(const ParameterKind& kind, std::span<WeightView> w,
                         std::span<MatrixGradient> d_w) = 0;
  virtual Status plain_matrix(const ParameterKind& kind, MatView<const float>& w, MatrixGradient& d_w) = 0;
  virtual Status vector(const ParameterKind& kind, std::span<const float>& w, std::span<float>& d_w) = 0;
  virtual Status expert_table(const std::string& name, MatView<const int32_t>& table) = 0;
};

enum class DraftModule : uint8_t { kAbsent, kPresent };

// Stops at the first error of the visitor.
Status walk_model(const ModelConfig& config, DraftModule draft, ModelWeights& w, ModelGradients& d_w,
                  ParameterVisitor& visitor);

}  // namespace fathom
