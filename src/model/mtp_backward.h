// SPDX-License-Identifier: MIT
// The draft layer's inputs in training, and their backward (architecture.md 7; training.md 2): the gradient
// flows through the main streams into the main model and through the token's embedding.
#pragma once

#include <span>

#include "model/backward_step.h"
#include "model/gradients.h"
#include "model/mtp.h"

namespace fathom {

// Where each draft row's streams and token come from: rows of the main batch.
struct DraftSource {
  int64_t main_row = 0;  // row t; its token's successor lies at main_row + 1
};

// X^0 of draft rows to acts.draft_streams, from acts.embedding and acts.streams of the whole main batch.
void draft_inputs(StepContext& step, const MtpWeights& w, std::span<const DraftSource> sources) noexcept;

// Derivatives by the draft layer's inputs, and by what they were made of.
struct DraftInputGradients {
  MatView<const float> d_draft;  // [rows, n D] by X^0
  MatView<float> d_streams;      // [main rows, n D] +=
  MatView<float> d_embedding;    // [main rows, D] +=
};
void draft_inputs_backward(BackwardStep& b, const MtpWeights& w, std::span<const DraftSource> sources,
                           MtpGradients& d_w, const DraftInputGradients& d) noexcept;

}  // namespace fathom
