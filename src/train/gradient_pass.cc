// SPDX-License-Identifier: MIT
#include "train/gradient_pass.h"

#include <algorithm>

#include "model/block_backward.h"
#include "model/mhc.h"
#include "model/mhc_backward.h"
#include "ops/linear.h"
#include "ops/parallel.h"
#include "ops/row.h"

namespace fathom {
namespace {

// The config of a pass: without sparsity the choice is as large as there are entries.
ModelConfig pass_config(ModelConfig config, const PassOptions& options) {
  if (options.attention == CsaAttention::kSparse) return config;
  for (const LayerConfig& layer : config.layers) {
    if (layer.kind != LayerKind::kCsa) continue;
    config.index_topk = std::max(config.index_topk, static_cast<int>(options.rows / layer.compress_ratio));
  }
  return config;
}

// x / n, 0 for an empty mean.
double mean_of(double sum, int64_t count) noexcept {
  return count > 0 ? sum / static_cast<double>(count) : 0.0;
}

}  // namespace

Result<GradientPass> GradientPass::create(const ModelConfig& config, const ModelWeights& weights,
                                          const PassOptions& options) {
  GradientPass pass(Model(pass_config(config, options), weights), options);
  const ModelConfig& c = pass.model_.config;
  const int64_t rows = options.rows;
  const int64_t stream_floats = int64_t{c.hc_mult} * c.hidden_size;
  FATHOM_ASSIGN_OR_RETURN(pass.acts_, Activations::create(c, {rows, 1, options.workers}));
  FATHOM_ASSIGN_OR_RETURN(pass.scratch_, BackwardScratch::create(c, rows, options.workers));
  FATHOM_ASSIGN_OR_RETURN(pass.head_, HeadLoss::create(c, rows));
  for (size_t i = 0; i < c.layers.size() + (weights.mtp ? 1 : 0); ++i) {
    FATHOM_ASSIGN_OR_RETURN(BlockTape tape, BlockTape::create(c, rows));
    pass.tapes_.push_back(std::move(tape));
  }
  FATHOM_ASSIGN_OR_RETURN(pass.d_streams_, MatBuf<float>::allocate(rows, stream_floats));
  FATHOM_ASSIGN_OR_RETURN(pass.d_draft_, MatBuf<float>::allocate(rows, stream_floats));
  FATHOM_ASSIGN_OR_RETURN(pass.d_embedding_, MatBuf<float>::allocate(rows, c.hidden_size));
  FATHOM_ASSIGN_OR_RETURN(pass.hidden_, MatBuf<float>::allocate(rows, c.hidden_size));
  FATHOM_ASSIGN_OR_RETURN(pass.d_hidden_, MatBuf<float>::allocate(rows, c.hidden_size));
  return pass;
}

ExpertLoads GradientPass::no_loads() const {
  return ExpertLoads(tapes_.size(), std::vector<int64_t>(static_cast<size_t>(config().n_routed_experts)));
}

Status GradientPass::prepare_states(const TrainingBatch& batch) {
  for (size_t i = 0; i < batch.documents.size(); ++i) {
    if (i == states_.size()) {
      FATHOM_ASSIGN_OR_RETURN(SequenceState state,
                              SequenceState::create(config(), batch.documents[i].size(), RowPrecision::kF32));
      states_.push_back(std::move(state));
    } else {
      states_[i].clear();
      FATHOM_RETURN_IF_ERROR(states_[i].reserve(batch.documents[i].size()));
    }
  }
  return {};
}

void GradientPass::place_documents(StepContext& step, const TrainingBatch& batch) noexcept {
  Activations& acts = step.acts;
  acts.spans.clear();
  for (const RowRange& document : batch.documents) {
    acts.spans.push_back({nullptr, document.begin, document.size(), 0});
    for (int64_t row = document.begin; row < document.end; ++row) {
      acts.row_tokens[row] = batch.tokens[static_cast<size_t>(row)];
      acts.positions[row] = row - document.begin;
    }
  }
  fill_angles(step);
}

// Row t of a document's draft takes its main row t and token t + 1; the last token has no row.
void GradientPass::place_drafts(StepContext& step, const TrainingBatch& batch) noexcept {
  Activations& acts = step.acts;
  acts.spans.clear();
  int64_t rows = 0;
  for (const RowRange& document : batch.documents) {
    acts.spans.push_back({nullptr, rows, document.size() - 1, 0});
    for (int64_t i = 0; i + 1 < document.size(); ++i) acts.positions[rows++] = i;
  }
  fill_angles(step);
}

void GradientPass::use_layer(StepContext& step, size_t layer) noexcept {
  for (size_t i = 0; i < step.acts.spans.size(); ++i) {
    step.acts.spans[i].state = &states_[i].layer(static_cast<int>(layer));
  }
}

void GradientPass::use_draft_layer(StepContext& step) noexcept {
  for (size_t i = 0; i < step.acts.spans.size(); ++i) step.acts.spans[i].state = &states_[i].draft_layer();
}

// Streams start as n copies of the token's embedding (architecture.md 2).
void GradientPass::forward(StepContext& step, const TrainingBatch& batch) noexcept {
  place_documents(step, batch);
  Activations& acts = step.acts;
  const auto hidden = static_cast<size_t>(config().hidden_size);
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
    const auto streams = acts.streams.view().row_span(row);
    const auto embedding = acts.embedding.view().row_span(row);
    weight_row(model_.weights.embed, acts.row_tokens[row], embedding);
    for (size_t first = 0; first < streams.size(); first += hidden) {
      std::copy(embedding.begin(), embedding.end(), streams.begin() + static_cast<ptrdiff_t>(first));
    }
  });
  const auto streams = acts.streams.view().slice_rows(0, step.rows);
  for (size_t layer = 0; layer < config().layers.size(); ++layer) {
    use_layer(step, layer);
    taped_block_forward(step, config().layers[layer], model_.weights.layers[layer], tapes_[layer], streams);
  }
}

void GradientPass::forward_draft(StepContext& draft, const TrainingBatch& batch) noexcept {
  draft_sources_.clear();
  draft_targets_.clear();
  for (const RowRange& document : batch.documents) {
    for (int64_t row = document.begin; row + 1 < document.end; ++row) {
      draft_sources_.push_back({row});
      draft_targets_.push_back(batch.draft_targets[static_cast<size_t>(row)]);
    }
  }
  draft.rows = static_cast<int64_t>(draft_sources_.size());
  if (draft.rows == 0) return;
  place_drafts(draft, batch);
  use_draft_layer(draft);
  draft_inputs(draft, *model_.weights.mtp, draft_sources_);
  taped_block_forward(draft, config().mtp_layer, model_.weights.mtp->block, tapes_.back(),
                      draft.acts.draft_streams.view().slice_rows(0, draft.rows));
}

MatView<const float> GradientPass::collapse(StepContext& step, const HyperConnectionWeights& w,
                                            std::span<const float> norm, MatView<float> streams) noexcept {
  const auto hidden = hidden_.view().slice_rows(0, step.rows);
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
    hc_head(step, w, norm, streams.row_span(row), hidden.row_span(row));
  });
  return hidden;
}

void GradientPass::backward_head(BackwardStep& b, const TrainingBatch& batch, double scale,
                                 const PassResults& results) noexcept {
  const ModelWeights& w = model_.weights;
  const auto streams = b.rows(acts_.streams);
  const auto d_hidden = b.rows(d_hidden_);
  const auto hidden = collapse(b.step, w.hc_head, w.norm, streams);
  results.losses.lm += head_.loss_backward(b.step.pool, w.head, {hidden, batch.targets},
                                           static_cast<float>(scale), results.gradients.head, d_hidden);
  hc_head_backward(b, {w.hc_head, w.norm, results.gradients.hc_head, results.gradients.norm}, streams,
                   d_hidden, b.rows(d_streams_));
}

void GradientPass::backward_draft(StepContext& step, const TrainingBatch& batch, const StepCounts& counts,
                                  double coefficient, const PassResults& results) noexcept {
  StepContext draft{step.model, step.pool, step.rounding, step.acts, 0};
  forward_draft(draft, batch);
  if (draft.rows == 0) return;
  const MtpWeights& w = *model_.weights.mtp;
  MtpGradients& d_w = *results.gradients.mtp;
  count_loads(tapes_.back().moe, results.loads.back());
  const AuxiliaryLosses none;
  AuxiliarySums sums;
  BackwardStep b{draft, scratch_, none, sums};
  const auto streams = b.rows(acts_.draft_streams);
  const auto d_hidden = b.rows(d_hidden_);
  const auto d_draft = b.rows(d_draft_);
  clear_rows(step.pool, d_draft);
  const auto hidden = collapse(draft, w.hc_head, w.norm, streams);
  const double scale = mean_of(coefficient, counts.draft_predicted);
  results.losses.mtp +=
      mean_of(head_.loss_backward(step.pool, model_.weights.head, {hidden, draft_targets_},
                                  static_cast<float>(scale), results.gradients.head, d_hidden),
              counts.draft_predicted);
  hc_head_backward(b, {w.hc_head, w.norm, d_w.hc_head, d_w.norm}, streams, d_hidden, d_draft);
  block_backward(b, config().mtp_layer, w.block, tapes_.back(), d_w.block, d_draft);
  draft_inputs_backward(b, w, draft_sources_, d_w, {d_draft, d_streams_.view(), d_embedding_.view()});
}

void GradientPass::backward_layers(BackwardStep& b, const TrainingBatch& batch, const StepCounts& counts,
                                   const LossCoefficients& coefficients,
                                   const PassResults& results) noexcept {
  place_documents(b.step, batch);
  for (size_t i = config().layers.size(); i-- > 0;) {
    use_layer(b.step, i);
    const AuxiliaryLosses wanted{
        .index_scale = static_cast<float>(mean_of(coefficients.index, counts.indexed[i])),
        .balance_scale = static_cast<float>(mean_of(coefficients.balance, counts.sequences)),
        .sequences = batch.sequences};
    AuxiliarySums sums;
    BackwardStep layer{b.step, b.scratch, wanted, sums};
    count_loads(tapes_[i].moe, results.loads[i]);
    block_backward(layer, config().layers[i], model_.weights.layers[i], tapes_[i],
                   results.gradients.layers[i], b.rows(d_streams_));
    results.losses.index += mean_of(sums.index, counts.indexed[i]);
    results.losses.balance += mean_of(sums.balance, counts.sequences);
  }
}

// The derivative by a token's embedding is the sum over its streams, and what the draft layer added. Each
// worker takes some columns of the table for all rows, so a token's rows add in order.
void GradientPass::backward_embedding(StepContext& step, const TrainingBatch& batch,
                                      MatrixGradient& d_embed) noexcept {
  const int64_t hidden = config().hidden_size;
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
    const auto sum = d_embedding_.view().row_span(row);
    const std::span<const float> streams = d_streams_.view().row_span(row);
    for (size_t first = 0; first < streams.size(); first += sum.size()) {
      add_row(streams.subspan(first, sum.size()), sum);
    }
  });
  step.pool.run([&](int worker) {
    const PartRange part = part_range(hidden, worker, step.pool.size(), 16);
    const auto first = static_cast<size_t>(part.begin);
    const auto count = static_cast<size_t>(part.end - part.begin);
    for (int64_t row = 0; row < step.rows; ++row) {
      add_row(d_embedding_.view().row_span(row).subspan(first, count),
              d_embed.d_w.row_span(batch.tokens[static_cast<size_t>(row)]).subspan(first, count));
    }
  });
}

void GradientPass::count_loads(const MoeActivations& acts, std::vector<int64_t>& loads) const {
  for (size_t e = 0; e < loads.size(); ++e) loads[e] += acts.expert_begin[e + 1] - acts.expert_begin[e];
}

Status GradientPass::run(ThreadPool& pool, const TrainingBatch& batch, const StepCounts& counts,
                         const LossCoefficients& coefficients, const PassResults& results) {
  FATHOM_CHECK(batch.rows() <= options_.rows && pool.size() <= options_.workers);
  if (batch.rows() == 0) return {};
  FATHOM_RETURN_IF_ERROR(prepare_states(batch));
  StepContext step{model_, pool, options_.rounding, acts_, batch.rows()};
  const AuxiliaryLosses none;
  AuxiliarySums sums;
  BackwardStep b{step, scratch_, none, sums};
  forward(step, batch);
  clear_rows(pool, b.rows(d_streams_));
  clear_rows(pool, b.rows(d_embedding_));
  LossValues head;
  const PassResults head_results{results.gradients, head, results.loads};
  if (coefficients.lm != 0.0) {
    backward_head(b, batch, mean_of(coefficients.lm, counts.predicted), head_results);
    results.losses.lm += mean_of(head.lm, counts.predicted);
  }
  if (coefficients.mtp != 0.0 && model_.weights.mtp) {
    backward_draft(step, batch, counts, coefficients.mtp, results);
  }
  backward_layers(b, batch, counts, coefficients, results);
  backward_embedding(step, batch, results.gradients.embed);
  return {};
}

Status GradientPass::losses(ThreadPool& pool, const TrainingBatch& batch, LossValues& sums) {
  FATHOM_CHECK(batch.rows() <= options_.rows && pool.size() <= options_.workers);
  if (batch.rows() == 0) return {};
  FATHOM_RETURN_IF_ERROR(prepare_states(batch));
  StepContext step{model_, pool, options_.rounding, acts_, batch.rows()};
  forward(step, batch);
  const ModelWeights& w = model_.weights;
  const auto streams = acts_.streams.view().slice_rows(0, step.rows);
  sums.lm += head_.loss(pool, w.head, {collapse(step, w.hc_head, w.norm, streams), batch.targets});
  if (!w.mtp) return {};
  StepContext draft{model_, pool, options_.rounding, acts_, 0};
  forward_draft(draft, batch);
  if (draft.rows == 0) return {};
  const auto draft_streams = acts_.draft_streams.view().slice_rows(0, draft.rows);
  sums.mtp +=
      head_.loss(pool, w.head, {collapse(draft, w.mtp->hc_head, w.mtp->norm, draft_streams), draft_targets_});
  return {};
}

}  // namespace fathom
