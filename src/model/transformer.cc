// SPDX-License-Identifier: MIT
#include "model/transformer.h"

#include <algorithm>

#include "model/block.h"
#include "model/mhc.h"
#include "model/mtp.h"
#include "ops/linear.h"
#include "ops/parallel.h"

namespace fathom {
namespace {

int64_t total_rows(std::span<const SequenceSpan> spans) noexcept {
  int64_t rows = 0;
  for (const SequenceSpan& span : spans) rows += static_cast<int64_t>(span.tokens.size());
  return rows;
}

// Lays the spans out as rows of the batch and computes each row's rotation.
void place_spans(StepContext& step, std::span<const SequenceSpan> spans) noexcept {
  Activations& acts = step.acts;
  acts.spans.clear();
  int64_t row = 0;
  for (const SequenceSpan& span : spans) {
    // Packing loses nothing only of rows that went through their round trips.
    FATHOM_CHECK(step.rounding == Rounding::kAsDeployed || span.state->precision() == RowPrecision::kF32);
    const auto rows = static_cast<int64_t>(span.tokens.size());
    acts.spans.push_back(
        {.first_row = row, .rows = rows, .position = span.state->position(), .logits = span.logits});
    for (int64_t i = 0; i < rows; ++i, ++row) {
      acts.row_tokens[row] = span.tokens[i];
      acts.positions[row] = span.state->position() + i;
    }
  }
  fill_angles(step);
}

// Streams start as n copies of the token's embedding (architecture.md 2).
void embed_tokens(StepContext& step) noexcept {
  Activations& acts = step.acts;
  const auto hidden = static_cast<size_t>(step.config().hidden_size);
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
    const auto streams = acts.streams.view().row_span(row);
    const auto embedding = acts.embedding.view().row_span(row);
    weight_row(step.model.weights.embed, acts.row_tokens[row], embedding);
    for (size_t first = 0; first < streams.size(); first += hidden) {
      std::copy(embedding.begin(), embedding.end(), streams.begin() + static_cast<ptrdiff_t>(first));
    }
  });
}

void run_layers(StepContext& step, const LayerObserver& observer,
                std::span<const SequenceSpan> spans) noexcept {
  const auto streams = step.acts.streams.view().slice_rows(0, step.rows);
  observer(-1, step.acts);
  for (size_t layer = 0; layer < step.config().layers.size(); ++layer) {
    for (size_t i = 0; i < spans.size(); ++i) {
      step.acts.spans[i].state = &spans[i].state->layer(static_cast<int>(layer));
    }
    step.enter(Stage::kHyperConnections);
    block_forward(step, step.config().layers[layer], step.model.weights.layers[layer], streams);
    step.enter(Stage::kOther);
    observer(static_cast<int>(layer), step.acts);
  }
}

}  // namespace

void fill_angles(StepContext& step) noexcept {
  Activations& acts = step.acts;
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
    const int64_t position = acts.positions[row];
    step.model.window_rotary.angles(position, acts.window_cos.view().row_span(row),
                                    acts.window_sin.view().row_span(row));
    step.model.compressed_rotary.angles(position, acts.compressed_cos.view().row_span(row),
                                        acts.compressed_sin.view().row_span(row));
  });
}

MatView<const float> head_logits(StepContext& step, const HeadInput& input, MatBuf<float>& logits) noexcept {
  int64_t count = 0;
  for (const LayerSpan& span : step.acts.spans) {
    if (span.logits == LogitsWanted::kNone || span.rows == 0) continue;
    const int64_t first = span.logits == LogitsWanted::kLast ? span.rows - 1 : 0;
    const int64_t rows = span.rows - first;
    parallel_rows(step.pool, rows, [&](int64_t r, int) {
      hc_head(step, input.hc_head, input.norm, input.streams.row_span(span.first_row + first + r),
              step.acts.hidden.view().row_span(count + r));
    });
    count += rows;
  }
  const auto out = logits.view().slice_rows(0, count);
  if (count > 0)
    linear(step.pool, {step.acts.hidden.view().slice_rows(0, count), &step.model.weights.head, out});
  return out;
}

StepOutput forward(const Model& model, ThreadPool& pool, const ForwardOptions& options,
                   std::span<const SequenceSpan> spans, Activations& acts) noexcept {
  StepContext step{model, pool, options.rounding, acts, total_rows(spans), options.clock};
  step.enter(Stage::kOther);
  FATHOM_CHECK(step.rows <= acts.sizes.batch_tokens && pool.size() <= acts.sizes.workers);
  place_spans(step, spans);
  embed_tokens(step);
  run_layers(step, options.observer, spans);
  step.enter(Stage::kHead);
  StepOutput out;
  const auto streams = acts.streams.view().slice_rows(0, step.rows);
  out.logits = head_logits(step, {model.weights.hc_head, model.weights.norm, streams}, acts.logits);
  for (const SequenceSpan& span : spans) span.state->advance(span.tokens);
  if (options.draft == DraftLayer::kRun && model.weights.mtp) {
    acts.draft_spans.clear();
    for (size_t i = 0; i < spans.size(); ++i) {
      acts.draft_spans.push_back({.state = spans[i].state,
                                  .first_row = acts.spans[i].first_row,
                                  .tokens = acts.spans[i].rows,
                                  .next = {},
                                  .logits = spans[i].logits});
    }
    out.draft_logits = mtp_forward(step, acts.draft_spans);
  }
  if (step.clock != nullptr) step.clock->stop();
  return out;
}

MatView<const float> draft_forward(const Model& model, ThreadPool& pool, const ForwardOptions& options,
                                   std::span<const DraftSpan> spans, Activations& acts) noexcept {
  FATHOM_CHECK(model.weights.mtp.has_value());
  StepContext step{model, pool, options.rounding, acts, 0};
  return mtp_forward(step, spans);
}

}  // namespace fathom
