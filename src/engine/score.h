// SPDX-License-Identifier: MIT
// Logits of whole sequences, for tests, evaluation and `fathom logits` (conformance.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "model/model.h"
#include "ops/quantize.h"

namespace fathom {

enum class Trace : uint8_t { kOff, kFirstSequence };
enum class DraftLogits : uint8_t { kSkip, kWanted };

struct ScoreOptions {
  int threads = 1;
  Rounding rounding = Rounding::kAsDeployed;
  int64_t chunk = 0;  // tokens fed at a time through the sequence state; 0: the whole sequence in one pass
  DraftLogits draft = DraftLogits::kSkip;
  Trace trace = Trace::kOff;
};

// Choices of one layer, named "main layer number" or "mtp.0".
struct TracedChoice {
  std::string layer;
  MatBuf<int32_t> chosen;
};

struct ScoreOutput {
  MatBuf<float> logits;               // [B T, V]
  MatBuf<float> draft_logits;         // [B (T - 1), V] where wanted and the model has an MTP layer
  MatBuf<float> streams;              // [(L + 1) T, n D] of sequence 0 when traced
  std::vector<TracedChoice> experts;  // [T, k] per layer, best first
  std::vector<TracedChoice>
      index;  // [T, K] per CSA layer, ascending, padded with -1; K = min(index_topk, entries)
};

// kInvalidArgument for what score() refuses.
Status check_score_request(const Model& model, MatView<const int32_t> tokens, const ScoreOptions& options);

// tokens [B, T], T >= 1. kInvalidArgument for ids outside the vocabulary, a T beyond the context, or draft
// logits of a model without an MTP layer; kResourceExhausted without memory.
Result<ScoreOutput> score(const Model& model, MatView<const int32_t> tokens, const ScoreOptions& options);

}  // namespace fathom
