// SPDX-License-Identifier: MIT
#include "model/indexer.h"

#include <algorithm>
#include <cmath>

#include "ops/index_scores.h"
#include "ops/parallel.h"
#include "ops/top_k.h"

namespace fathom {
namespace {

int64_t choose_entries(StepContext& step, const RowStore& keys, int64_t visible, int64_t row,
                       int worker) noexcept {
  AttentionActivations& a = step.acts.attention;
  const auto chosen = a.chosen.view().row_span(row);
  const auto top_k = static_cast<int64_t>(chosen.size());
  if (visible <= top_k) {
    for (int64_t i = 0; i < visible; ++i) chosen[i] = static_cast<int32_t>(i);
    return visible;
  }
  WorkerScratch& scratch = step.acts.scratch[worker];
  StreamingTopK best(scratch.heap);
  for (int64_t first = 0; first < visible; first += RowStore::kPageRows) {
    const int64_t count = std::min(RowStore::kPageRows, visible - first);
    const std::span<float> scores(scratch.index_scores.data(), static_cast<size_t>(count));
    index_scores(a.index_q.view().row_span(row), a.index_weights.view().row_span(row),
                 {keys.row(first), count, keys.row_floats()}, scores);
    best.push(static_cast<int32_t>(first), scores);
  }
  return best.sorted_indices(chosen);
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
  for (const LayerSpan& span : step.acts.spans) {
    const RowStore& keys = span.state->indexer->entries;
    parallel_rows(step.pool, span.rows, [&](int64_t i, int worker) {
      const int64_t row = span.first_row + i;
      const int64_t visible = (span.position + i + 1) / layer.compress_ratio;
      step.acts.attention.chosen_count[row] = choose_entries(step, keys, visible, row, worker);
    });
  }
}

}  // namespace fathom
