// SPDX-License-Identifier: MIT
#include "model/indexer.h"

#include <algorithm>
#include <cmath>

#include "ops/index_scores.h"
#include "ops/parallel.h"
#include "ops/top_k.h"

namespace fathom {
namespace {

// One row's scan over a range of key pages.
struct IndexJob {
  int64_t row;
  int64_t visible;  // entries
  PartRange pages;
};

// The best of the job's key pages that hold visible entries, among the worker's candidates.
StreamingTopK scan_pages(StepContext& step, const RowStore& keys, const IndexJob& job, int worker) noexcept {
  AttentionActivations& a = step.acts.attention;
  WorkerScratch& scratch = step.acts.scratch[worker];
  const IndexQuery query(keys.format(), a.index_q.view().row_span(job.row),
                         a.index_weights.view().row_span(job.row), scratch.index_query);
  StreamingTopK best(scratch.candidates);
  for (int64_t first = job.pages.begin * RowStore::kPageRows;
       first < std::min(job.visible, job.pages.end * RowStore::kPageRows); first += RowStore::kPageRows) {
    const int64_t count = std::min(RowStore::kPageRows, job.visible - first);
    const std::span<float> scores(scratch.index_scores.data(), static_cast<size_t>(count));
    query.scores(keys.bytes(first), scores);
    best.push(static_cast<int32_t>(first), scores);
  }
  return best;
}

int64_t page_count(int64_t visible) noexcept {
  return (visible + RowStore::kPageRows - 1) / RowStore::kPageRows;
}

// All visible entries are chosen while they are at most index_topk.
bool choose_all(StepContext& step, int64_t row, int64_t visible) noexcept {
  const auto chosen = step.acts.attention.chosen.view().row_span(row);
  if (visible > static_cast<int64_t>(chosen.size())) return false;
  for (int64_t i = 0; i < visible; ++i) chosen[i] = static_cast<int32_t>(i);
  step.acts.attention.chosen_count[row] = visible;
  return true;
}

void keep_best(StepContext& step, int64_t row, StreamingTopK& best) noexcept {
  AttentionActivations& a = step.acts.attention;
  a.chosen_count[row] = best.sorted_indices(a.chosen.view().row_span(row));
}

StageWork scan_work(StepContext& step, int64_t visible, int64_t rows) noexcept {
  const int64_t channels = visible * step.config().index_head_dim;
  // An int8 product costs about half an f32 one.
  return StageWork::of(channels / 2, channels * step.config().index_n_heads * rows / 2);
}

int64_t visible_entries(const LayerConfig& layer, const LayerSpan& span, int64_t row) noexcept {
  return (span.position + row - span.first_row + 1) / layer.compress_ratio;
}

// Few rows: each row's pages are shared out, and the workers' choices merged in worker order.
void choose_by_pages(StepContext& step, const RowStore& keys, int64_t row, int64_t visible) noexcept {
  if (choose_all(step, row, visible)) return;
  const int workers = step.pool.size();
  step.pool.run(scan_work(step, visible, 1), [&](int worker) {
    const PartRange pages = part_range(page_count(visible), worker, workers);
    step.acts.scratch[worker].best = scan_pages(step, keys, {row, visible, pages}, worker);
  });
  StreamingTopK& best = step.acts.scratch[0].best;
  for (int worker = 1; worker < workers; ++worker) best.merge(step.acts.scratch[worker].best);
  keep_best(step, row, best);
}

// Many rows: each worker takes every so-manieth, since later rows see more entries.
void choose_by_rows(StepContext& step, const LayerConfig& layer) noexcept {
  StageWork work;
  for (const LayerSpan& span : step.acts.spans) {
    const int64_t visible = visible_entries(layer, span, span.first_row + span.rows - 1);
    work.nanoseconds += scan_work(step, visible, span.rows).nanoseconds;
  }
  step.pool.run(work, [&](int worker) {
    for (const LayerSpan& span : step.acts.spans) {
      for (int64_t row = span.first_row; row < span.first_row + span.rows; ++row) {
        if (row % step.pool.size() != worker) continue;
        const int64_t visible = visible_entries(layer, span, row);
        if (choose_all(step, row, visible)) continue;
        StreamingTopK best =
            scan_pages(step, span.state->indexer->entries, {row, visible, {0, page_count(visible)}}, worker);
        keep_best(step, row, best);
      }
    }
  });
}

}  // namespace

void finish_index_query(StepContext& step, const LayerConfig& layer, int64_t row) noexcept {
  AttentionActivations& a = step.acts.attention;
  const auto dim = static_cast<size_t>(step.config().index_head_dim);
  const auto q = a.index_q.view().row_span(row);
  for (size_t first = 0; first < q.size(); first += dim) {
    const auto head = q.subspan(first, dim);
    rotate(head, row_angles(step.acts, layer, row));
    if (step.rounding == Rounding::kAsDeployed) quantize_index(head);
  }
  const float scale = static_cast<float>(
      1.0 / std::sqrt(static_cast<double>(step.config().index_head_dim) * step.config().index_n_heads));
  for (float& weight : a.index_weights.view().row_span(row)) weight *= scale;
}

void indexer_forward(StepContext& step, const LayerConfig& layer) noexcept {
  const int64_t workers = step.pool.size();
  if (step.rows > 1 && (step.rows % workers == 0 || step.rows > 8 * workers))
    return choose_by_rows(step, layer);
  for (const LayerSpan& span : step.acts.spans) {
    for (int64_t row = span.first_row; row < span.first_row + span.rows; ++row)
      choose_by_pages(step, span.state->indexer->entries, row, visible_entries(layer, span, row));
  }
}

}  // namespace fathom
