// SPDX-License-Identifier: MIT
// The forward pass: one function for prefill, decode, scoring and, later, verification and training
// (design.md 4).
//
// A token's result depends on its own sequence only: not on its batch, the chunking or the thread count.
// forward allocates nothing; memory comes from Activations::create and SequenceState::reserve.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/thread_pool.h"
#include "model/activations.h"
#include "model/model.h"
#include "model/stage_clock.h"
#include "ops/quantize.h"

namespace fathom {

// The smallest form of state that loses nothing.
inline RowPrecision row_precision(Rounding rounding) noexcept {
  return rounding == Rounding::kAsDeployed ? RowPrecision::kPacked : RowPrecision::kF32;
}

// Tokens to append to one sequence.
struct SequenceSpan {
  SequenceState* state = nullptr;
  std::span<const int32_t> tokens;
  LogitsWanted logits = LogitsWanted::kLast;
};

// Whether the MTP layer runs too, with the tokens that are known then (architecture.md 7).
enum class DraftLayer : uint8_t { kSkip, kRun };

// Called after each main layer, and once with layer -1 before the first: for traces and tests.
using LayerObserver = std::function<void(int layer, const Activations&)>;

struct ForwardOptions {
  Rounding rounding = Rounding::kAsDeployed;
  DraftLayer draft = DraftLayer::kSkip;
  LayerObserver observer = [](int, const Activations&) {};
  StageClock* clock = nullptr;  // runs during the step
};

// Views into the activations, valid until the next step. Rows in span order; kLast gives one row a span.
// Draft row for token t predicts token t + 2 and exists once token t + 1 is known, so it lags by one.
struct StepOutput {
  MatView<const float> logits;
  MatView<const float> draft_logits;
};

// Runs the spans' tokens through the model and appends them to their states.
// Requires at least one token a span, at most acts.sizes.batch_tokens in all, token ids in the vocabulary,
// room reserved in the states, and at most acts.sizes.logit_rows rows of logits wanted; distinct states.
StepOutput forward(const Model& model, ThreadPool& pool, const ForwardOptions& options,
                   std::span<const SequenceSpan> spans, Activations& acts) noexcept;

// The draft layer after a step, for sequences whose next token has been sampled since: what is behind the
// last forward of these activations, whose streams they still hold. Gives the wanted rows in span order.
// Requires an MTP layer, and at most acts.sizes.batch_tokens tokens plus one for each span that lags or has a
// next token.
MatView<const float> draft_forward(const Model& model, ThreadPool& pool, const ForwardOptions& options,
                                   std::span<const DraftSpan> spans, Activations& acts) noexcept;

}  // namespace fathom
