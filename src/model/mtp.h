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
  std::span<const SequenceSpan> spans;  // for which rows logits are wanted
};

// Logits of the wanted rows, in span order; a view of `logits`.
MatView<const float> head_logits(StepContext& step, const HeadInput& input, MatBuf<float>& logits) noexcept;

// Streams and next token that make one draft row.
struct DraftRow {
  std::span<const float> streams;  // [n D] of the row's own token
  int64_t token_row;               // row of the main batch whose token follows it
};

// Normed embedding to row `row` of acts.hc.x, normed streams to acts.draft_hidden, both through the round
// trip where the weights ask for it.
void norm_draft_inputs(StepContext& step, const MtpWeights& w, const DraftRow& from, int64_t row) noexcept;

// X^0_j = W_e RMSNorm(emb) + W_h RMSNorm(X_j) of all draft rows, to acts.draft_streams.
void project_draft_inputs(StepContext& step, const MtpWeights& w) noexcept;

// The draft rows that this step's tokens make possible, after the main layers have run: rows position - 1 ...
// position + T - 2 of each span (from row 0 on). Keeps the last token's streams in the state for the next
// step.
MatView<const float> mtp_forward(StepContext& step, std::span<const SequenceSpan> spans) noexcept;

}  // namespace fathom
