// SPDX-License-Identifier: MIT
#include "model/compressor.h"

#include <algorithm>

#include "ops/attend.h"
#include "ops/parallel.h"
#include "ops/rms_norm.h"

namespace fathom {
namespace {

CompressorState& state_of(const LayerSpan& span, EntryKind kind) noexcept {
  return kind == EntryKind::kKeyValue ? *span.state->compressor : *span.state->indexer;
}

// Raw rows of one span: its own from this step's activations, earlier ones from the ring.
class RawRows {
 public:
  RawRows(MatView<const float> step_rows, const RowRing& ring, const LayerSpan& span)
      : step_rows_(step_rows), ring_(ring), span_(span) {}
  const float* at(int64_t position) const noexcept {
    return position >= span_.position ? step_rows_.row(span_.first_row + position - span_.position)
                                      : ring_.row(position);
  }

 private:
  MatView<const float> step_rows_;
  const RowRing& ring_;
  const LayerSpan& span_;
};

struct EntryJob {
  const LayerSpan& span;
  int64_t entry;
  int worker;
};

// The rows that entry i pools, oldest first: C^a of block i-1 (overlap, i > 0), then C^b of block i.
int64_t gather_rows(const RawRows& rows, const LayerConfig& layer, int64_t entry, int64_t dim,
                    std::vector<const float*>& out) noexcept {
  const int64_t m = layer.compress_ratio;
  int64_t count = 0;
  if (layer.overlap() && entry > 0) {
    for (int64_t p = (entry - 1) * m; p < entry * m; ++p) out[count++] = rows.at(p);
  }
  const int64_t half = layer.overlap() ? dim : 0;
  for (int64_t p = entry * m; p < (entry + 1) * m; ++p) out[count++] = rows.at(p) + half;
  return count;
}

void make_entry(StepContext& step, const LayerConfig& layer, const CompressorWeights& w, EntryKind kind,
                const CompressorActivations& acts, const EntryJob& job) noexcept {
  WorkerScratch& scratch = step.acts.scratch[job.worker];
  CompressorState& state = state_of(job.span, kind);
  const int64_t dim = state.entries.row_floats();
  const RawRows c(acts.c.view().slice_cols(0, state.c.row_floats()), state.c, job.span);
  const RawRows z(acts.z.view().slice_cols(0, state.z.row_floats()), state.z, job.span);
  const auto count = static_cast<size_t>(gather_rows(c, layer, job.entry, dim, scratch.c_rows));
  gather_rows(z, layer, job.entry, dim, scratch.z_rows);
  const auto out = std::span(scratch.rows).first(static_cast<size_t>(dim));
  pool_rows({scratch.c_rows.data(), count}, {scratch.z_rows.data(), count}, out);
  rms_norm(out, w.norm, step.norm_eps(), out);
  step.model.rotary(layer).angles(job.entry * layer.compress_ratio, scratch.cos, scratch.sin);
  rotate(out, {scratch.cos, scratch.sin});
  if (step.rounding == Rounding::kAsDeployed) {
    if (kind == EntryKind::kKeyValue) {
      quantize_kv(out, step.config().nope_dim());
    } else {
      quantize_index(out);
    }
  }
  pack_row(state.entries.format(), out, state.entries.bytes(job.entry));
}

void keep_rows(const CompressorActivations& acts, const LayerSpan& span, CompressorState& state) noexcept {
  const int64_t end = span.position + span.rows;
  for (int64_t p = std::max(span.position, end - state.c.capacity()); p < end; ++p) {
    const int64_t row = span.first_row + p - span.position;
    std::copy_n(acts.c.view().row(row), state.c.row_floats(), state.c.row(p));
    std::copy_n(acts.z.view().row(row), state.z.row_floats(), state.z.row(p));
  }
}

}  // namespace

void add_position_bias(const CompressorWeights& w, int64_t position, std::span<float> z) noexcept {
  const float* bias = w.ape.row(position % w.ape.rows);
  for (size_t i = 0; i < z.size(); ++i) z[i] += bias[i];
}

void compressor_forward(StepContext& step, const LayerConfig& layer, const CompressorWeights& w,
                        EntryKind kind, const CompressorActivations& acts) noexcept {
  for (const LayerSpan& span : step.acts.spans) {
    CompressorState& state = state_of(span, kind);
    const int64_t first = state.entries.size();
    const int64_t end = (span.position + span.rows) / layer.compress_ratio;
    if (end > first) {
      state.entries.grow(end);
      parallel_rows(step.pool, end - first, [&](int64_t i, int worker) {
        make_entry(step, layer, w, kind, acts, {span, first + i, worker});
      });
    }
    keep_rows(acts, span, state);
  }
}

}  // namespace fathom
