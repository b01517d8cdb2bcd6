// SPDX-License-Identifier: MIT
// Multi-token prediction: row t takes the main streams of token t and the embedding of token t + 1 and
// predicts token t + 2 (architecture.md 7). Also the pieces of a step that main model and MTP share.
#pragma once

#include <span>

#include "model/step.h"
#include "model/transformer.h"

namespace fathom {

// Cosine and sine of every row's position for both sorts of layers.
void fill_angles(StepContext& step) noexcept;

// What a head reads: its own mixing parameters and norm on the streams [T, n D] of acts.spans.
struct HeadInput {
  const HyperConnectionWeights& hc_head;
  std::span<const float> norm;
  MatView<float> streams;
};

// Logits of the rows that acts.spans want, in span order; a view of `logits`.
MatView<const float> head_logits(StepContext& step, const HeadInput& input, MatBuf<float>& logits) noexcept;

// What makes one draft row.
struct DraftRow {
  std::span<const float> streams;    // [n D] of the row's own token
  std::span<const float> embedding;  // [D] of the token that follows it; may be the row of acts.hc.x itself
};

// Normed embedding to row `row` of acts.hc.x, normed streams to acts.draft_hidden, both through the round
// trip where the weights ask for it.
void norm_draft_inputs(StepContext& step, const MtpWeights& w, const DraftRow& from, int64_t row) noexcept;

// X^0_j = W_e RMSNorm(emb) + W_h RMSNorm(X_j) of all draft rows, to acts.draft_streams.
void project_draft_inputs(StepContext& step, const MtpWeights& w) noexcept;

// The draft rows that a step's tokens make possible, after the main layers have run and the states have
// advanced: those behind the rows there are, up to the one before the last token, or the last token's own
// where the next one is known. Keeps the last tokens' streams in the state for the next step.
MatView<const float> mtp_forward(StepContext& step, std::span<const DraftSpan> spans) noexcept;

}  // namespace fathom
