// SPDX-License-Identifier: MIT
// What a step must read and compute at least, by arithmetic on the config: the roof of every figure of
// `fathom bench` (performance.md 1). Pure functions; any thread.
//
// Bytes are those of the weights as the checkpoint stores them, each read once, only chosen experts; plus the
// rows of the sequences' states in the deployed formats. Vectors (norms, biases, sinks) are below 0.1 % and
// left out. FLOPs count a multiply-add as two and only what the result needs.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "config/model_config.h"
#include "model/stage.h"
#include "numeric/weight_view.h"
#include "weights/model_weights.h"

namespace fathom {

// How a checkpoint stores its matrices.
struct StoredFormats {
  WeightFormat dense = WeightFormat::kFp8E4m3;    // attention, shared experts
  WeightFormat experts = WeightFormat::kFp4E2m1;  // routed experts
  WeightFormat plain = WeightFormat::kBf16;       // head, compressors, router
};
StoredFormats stored_formats(const ModelWeights& weights) noexcept;

// Bytes of a matrix with its scales.
int64_t matrix_bytes(WeightFormat format, int64_t rows, int64_t cols) noexcept;

// The tokens of one sequence in a step.
struct SpanShape {
  int64_t position = 0;  // of the first token
  int64_t tokens = 1;
  int64_t logit_rows = 1;
};

struct StepCost {
  std::array<double, kStageCount> bytes{};  // by Stage
  double flops = 0.0;

  double total_bytes() const noexcept;
};

// `expert_reads`: (layer, expert) pairs with at least one token, over all layers.
StepCost step_cost(const ModelConfig& config, const StoredFormats& formats, std::span<const SpanShape> spans,
                   int64_t expert_reads) noexcept;

// How many of `experts` experts are chosen by at least one of `tokens` tokens that choose k each, uniformly
// and independently.
double expected_distinct_experts(int64_t experts, int64_t k, int64_t tokens) noexcept;

}  // namespace fathom
