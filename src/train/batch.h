// SPDX-License-Identifier: MIT
// TrainingBatch: the tokens of one micro-batch as rows, with what each row must predict (training.md 2, 10).
//
// Invariants: documents follow one another without gaps and cover all rows; sequences are runs of whole
// documents. A row without a target carries kNoTarget. A value.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "model/backward_step.h"

namespace fathom {

inline constexpr int32_t kNoTarget = -1;

struct TrainingBatch {
  std::vector<int32_t> tokens;         // [T]
  std::vector<int32_t> targets;        // [T] the next token of the document, or none
  std::vector<int32_t> draft_targets;  // [T] the one after it, or none
  std::vector<RowRange> documents;
  std::vector<RowRange> sequences;

  int64_t rows() const noexcept { return static_cast<int64_t>(tokens.size()); }
  // Adds a document to the last sequence; every token after the first is predicted.
  void add_document(std::span<const int32_t> document);
  // The same, predicting only tokens whose place in `predicted` is not 0.
  void add_document(std::span<const int32_t> document, std::span<const uint8_t> predicted);
  void begin_sequence();
  void clear() noexcept;
};

// What the means of a step's losses are over; sums over its micro-batches.
struct StepCounts {
  int64_t predicted = 0;
  int64_t draft_predicted = 0;
  int64_t sequences = 0;
  std::vector<int64_t> indexed;  // [layers] tokens of CSA layers that see an entry

  void add(const TrainingBatch& batch, const ModelConfig& config);
};

}  // namespace fathom
