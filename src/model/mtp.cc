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

// First position of a span's tokens of this step.
int64_t first_position(const DraftSpan& span) noexcept { return span.state->position() - span.tokens; }

// The embedding goes where its norm will be.
DraftRow draft_row(StepContext& step, const DraftSpan& span, int64_t position, int64_t draft_row) noexcept {
  const auto tokens = span.state->tokens();
  const bool last = position + 1 == span.state->position();
  const int32_t next = last ? *span.next : tokens[static_cast<size_t>(position) + 1];
  const auto embedding = step.acts.hc.x.view().row_span(draft_row);
  weight_row(step.model.weights.embed, next, embedding);
  const int64_t row = position - first_position(span);
  if (row >= 0) return {step.acts.streams.view().row_span(span.first_row + row), embedding};
  const RowRing& carried = span.state->draft_streams();
  return {{carried.row(position), static_cast<size_t>(carried.row_floats())}, embedding};
}

// The streams of a span's last positions, of which the next draft row, after a trim an earlier one, needs
// one.
void keep_streams(StepContext& step, const DraftSpan& span) noexcept {
  RowRing& ring = span.state->draft_streams();
  const int64_t end = span.state->position();
  const int64_t first = first_position(span);
  for (int64_t p = std::max(first, end - ring.capacity()); p < end; ++p) {
    const auto row = step.acts.streams.view().row_span(span.first_row + p - first);
    std::copy(row.begin(), row.end(), ring.row(p));
  }
  span.state->set_draft_tokens(end);
}

// Lays the draft rows of all spans out as a batch and norms their inputs. Returns the number of rows.
int64_t place_draft_spans(StepContext& step, std::span<const DraftSpan> spans) noexcept {
  Activations& acts = step.acts;
  acts.spans.clear();
  int64_t rows = 0;
  for (const DraftSpan& span : spans) {
    const bool behind = span.lag == DraftLag::kBehind && first_position(span) > 0;
    FATHOM_CHECK(!behind || span.state->draft_tokens() == first_position(span));
    const int64_t begin = first_position(span) - (behind ? 1 : 0);
    const int64_t end = span.state->position() - (span.next ? 0 : 1);
    FATHOM_CHECK(rows + end - begin <= acts.sizes.batch_tokens);
    acts.spans.push_back({.state = &span.state->draft_layer(),
                          .first_row = rows,
                          .rows = end - begin,
                          .position = begin,
                          .window_begin = span.window_begin,
                          .logits = span.logits});
    for (int64_t position = begin; position < end; ++position, ++rows) {
      norm_draft_inputs(step, *step.model.weights.mtp, draft_row(step, span, position, rows), rows);
      acts.positions[rows] = position;
    }
    keep_streams(step, span);
  }
  return rows;
}

}  // namespace

void norm_draft_inputs(StepContext& step, const MtpWeights& w, const DraftRow& from, int64_t row) noexcept {
  Activations& acts = step.acts;
  const auto hidden = static_cast<size_t>(step.config().hidden_size);
  const auto embedding = acts.hc.x.view().row_span(row);
  rms_norm(from.embedding, w.enorm, step.norm_eps(), embedding);
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

MatView<const float> mtp_forward(StepContext& step, std::span<const DraftSpan> spans) noexcept {
  const MtpWeights& w = *step.model.weights.mtp;
  StepContext draft{step.model, step.pool, step.rounding, step.acts, place_draft_spans(step, spans),
                    step.clock};
  if (draft.rows == 0) return {};
  fill_angles(draft);
  project_draft_inputs(draft, w);
  const auto streams = draft.acts.draft_streams.view().slice_rows(0, draft.rows);
  block_forward(draft, step.config().mtp_layer, w.block, streams);
  return head_logits(draft, {w.hc_head, w.norm, streams}, draft.acts.draft_logits);
}

}  // namespace fathom
