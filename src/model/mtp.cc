// SPDX-License-Identifier: MIT
#include "model/mtp.h"

#include <algorithm>

#include "model/block.h"
#include "ops/linear.h"
#include "ops/parallel.h"
#include "ops/rms_norm.h"
#include "ops/row.h"

namespace fathom {
namespace {

DraftRow draft_row(StepContext& step, const SequenceSpan& span, const LayerSpan& main, int64_t i) noexcept {
  const int64_t main_row = main.first_row + i;
  const bool carried = i == 0;
  if (!carried) return {step.acts.streams.view().row_span(main_row - 1), main_row};
  const RowRing& streams = span.state->draft_streams();
  return {{streams.row(main.position - 1), static_cast<size_t>(streams.row_floats())}, main_row};
}

// The streams of a span's last positions, of which the next draft row, after a trim an earlier one, needs
// one.
void keep_streams(StepContext& step, const LayerSpan& main, SequenceState& state) noexcept {
  RowRing& ring = state.draft_streams();
  const int64_t end = main.position + main.rows;
  for (int64_t p = std::max(main.position, end - ring.capacity()); p < end; ++p) {
    const auto row = step.acts.streams.view().row_span(main.first_row + p - main.position);
    std::copy(row.begin(), row.end(), ring.row(p));
  }
  state.set_draft_tokens(end);
}

// Turns the main spans into the draft's: one row earlier, and no row before the first token.
// Returns the number of draft rows.
int64_t place_draft_spans(StepContext& step, std::span<const SequenceSpan> spans) noexcept {
  Activations& acts = step.acts;
  const MtpWeights& w = *step.model.weights.mtp;
  int64_t rows = 0;
  for (size_t s = 0; s < spans.size(); ++s) {
    const LayerSpan main = acts.spans[s];
    const int64_t skipped = main.position == 0 ? 1 : 0;
    FATHOM_CHECK(spans[s].state->draft_tokens() == main.position);
    acts.spans[s] = {&spans[s].state->draft_layer(), rows, main.rows - skipped, main.position - 1 + skipped};
    for (int64_t i = skipped; i < main.rows; ++i, ++rows) {
      norm_draft_inputs(step, w, draft_row(step, spans[s], main, i), rows);
      acts.positions[rows] = main.position + i - 1;
    }
    keep_streams(step, main, *spans[s].state);
  }
  return rows;
}

}  // namespace

void norm_draft_inputs(StepContext& step, const MtpWeights& w, const DraftRow& from, int64_t row) noexcept {
  Activations& acts = step.acts;
  const auto hidden = static_cast<size_t>(step.config().hidden_size);
  const auto embedding = acts.hc.x.view().row_span(row);
  rms_norm(acts.embedding.view().row_span(from.token_row), w.enorm, step.norm_eps(), embedding);
  if (step.quantizes(w.e_proj)) quantize_activations(embedding, embedding);
  const auto normed = acts.draft_hidden.view().row_span(row);
  for (size_t first = 0; first < normed.size(); first += hidden) {
    const auto stream = normed.subspan(first, hidden);
    rms_norm(from.streams.subspan(first, hidden), w.hnorm, step.norm_eps(), stream);
    if (step.quantizes(w.h_proj)) quantize_activations(stream, stream);
  }
}

void project_draft_inputs(StepContext& step, const MtpWeights& w) noexcept {
  Activations& acts = step.acts;
  const int64_t hidden = step.config().hidden_size;
  const int64_t stream_rows = step.rows * step.config().hc_mult;
  const MatView<const float> normed(acts.draft_hidden.data(), stream_rows, hidden);
  const MatView<float> streams(acts.draft_streams.data(), stream_rows, hidden);
  const auto embedded = acts.hc.y.view().slice_rows(0, step.rows);
  const LinearJob stage[] = {
      {acts.hc.x.view().slice_rows(0, step.rows), &w.e_proj, embedded, step.x_precision(w.e_proj)},
      {normed, &w.h_proj, streams, step.x_precision(w.h_proj)}};
  linear(step.pool, stage);
  parallel_rows(step.pool, stream_rows, [&](int64_t row, int) {
    add_row(embedded.row_span(row / step.config().hc_mult), streams.row_span(row));
  });
}

MatView<const float> mtp_forward(StepContext& step, std::span<const SequenceSpan> spans) noexcept {
  const MtpWeights& w = *step.model.weights.mtp;
  StepContext draft{step.model, step.pool, step.rounding, step.acts, place_draft_spans(step, spans)};
  if (draft.rows == 0) return {};
  fill_angles(draft);
  project_draft_inputs(draft, w);
  const auto streams = draft.acts.draft_streams.view().slice_rows(0, draft.rows);
  block_forward(draft, step.config().mtp_layer, w.block, streams);
  return head_logits(draft, {w.hc_head, w.norm, streams, spans}, draft.acts.draft_logits);
}

}  // namespace fathom
