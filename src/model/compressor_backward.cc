// SPDX-License-Identifier: MIT
#include "model/compressor_backward.h"

#include <algorithm>

#include "numeric/hadamard.h"
#include "ops/attend.h"
#include "ops/linear_backward.h"
#include "ops/pool_backward.h"
#include "ops/rms_norm_backward.h"
#include "ops/row.h"

namespace fathom {
namespace {

// The rows that one entry pools, oldest first, as pointers into a matrix [T, w] (gather_rows of
// compressor.cc).
template <typename T>
size_t pooled_rows(MatView<T> rows, const LayerConfig& layer, const LayerSpan& span, int64_t entry,
                   std::vector<T*>& out) noexcept {
  const int64_t m = layer.compress_ratio;
  const int64_t first = span.first_row + entry * m;
  size_t count = 0;
  if (layer.overlap() && entry > 0) {
    for (int64_t row = first - m; row < first; ++row) out[count++] = rows.row(row);
  }
  const int64_t half = layer.overlap() ? rows.cols / 2 : 0;
  for (int64_t row = first; row < first + m; ++row) out[count++] = rows.row(row) + half;
  return count;
}

struct EntryOfSpan {
  LayerSpan span;
  int64_t entry;
};

// From one entry's derivative to those of the rows it pooled; the norm's goes to d_norm.
void entry_backward(BackwardStep& b, const CompressorPass& pass, const EntryOfSpan& of,
                    WorkerBackwardScratch& worker, std::span<float> d_entry,
                    std::span<float> d_norm) noexcept {
  const LayerConfig& layer = pass.layer;
  const auto [span, entry] = of;
  const auto dim = static_cast<int64_t>(d_entry.size());
  const int64_t width = layer.compressor_width(static_cast<int>(dim));
  const auto c = pass.acts.c.view().slice_cols(0, width);
  const auto z = pass.acts.z.view().slice_cols(0, width);
  const size_t count = pooled_rows(c, layer, span, entry, worker.c_rows);
  pooled_rows(z, layer, span, entry, worker.z_rows);
  pooled_rows(b.scratch.d_c.view().slice_cols(0, width), layer, span, entry, worker.d_c_rows);
  pooled_rows(b.scratch.d_z.view().slice_cols(0, width), layer, span, entry, worker.d_z_rows);
  const std::span<const float* const> c_rows(worker.c_rows.data(), count);
  const std::span<const float* const> z_rows(worker.z_rows.data(), count);

  // The transform of index keys is its own transpose; the round trips pass straight through (training.md 7).
  if (pass.kind == EntryKind::kIndexKey && b.step.rounding == Rounding::kAsDeployed) hadamard(d_entry);
  b.step.model.rotary(layer).angles(entry * layer.compress_ratio, worker.cos, worker.sin);
  rotate_back(d_entry, {worker.cos, worker.sin});
  const auto pooled = std::span(worker.row).first(static_cast<size_t>(dim));
  pool_rows(c_rows, z_rows, pooled);
  rms_norm_backward<float>(pooled, pass.w.norm, b.step.norm_eps(), d_entry, d_entry, d_norm);
  pool_rows_backward<float>({c_rows, z_rows, d_entry}, {worker.d_c_rows.data(), count},
                            {worker.d_z_rows.data(), count});
}

// ape [m, w] += d Z of every row of its remainder; each row of ape has one worker.
void add_position_gradients(BackwardStep& b, MatView<const float> d_z, MatView<float> d_ape) noexcept {
  const Activations& acts = b.step.acts;
  b.step.pool.run([&](int worker) {
    const PartRange part = part_range(d_ape.rows, worker, b.step.pool.size());
    for (int64_t row = 0; row < d_z.rows; ++row) {
      const int64_t remainder = acts.positions[row] % d_ape.rows;
      if (remainder >= part.begin && remainder < part.end)
        add_row(d_z.row_span(row), d_ape.row_span(remainder));
    }
  });
}

}  // namespace

int64_t place_entries(BackwardStep& b, const LayerConfig& layer) noexcept {
  int64_t count = 0;
  for (size_t i = 0; i < b.step.acts.spans.size(); ++i) {
    const int64_t own = layer.compressed() ? b.step.acts.spans[i].rows / layer.compress_ratio : 0;
    b.scratch.entries[i] = {count, count + own};
    count += own;
  }
  return count;
}

void compressor_backward(BackwardStep& b, const CompressorPass& pass, MatView<float> d_entries,
                         CompressorGradients& d_w) noexcept {
  const int64_t width = pass.layer.compressor_width(static_cast<int>(d_entries.cols));
  const auto d_c = b.rows(b.scratch.d_c).slice_cols(0, width);
  const auto d_z = b.rows(b.scratch.d_z).slice_cols(0, width);
  clear_rows(b.step.pool, d_c);
  clear_rows(b.step.pool, d_z);
  clear_rows(b.step.pool, b.scratch.partials.view());
  for_slices(b.step.pool, d_entries.rows, [&](int slice, PartRange part, int worker) {
    const auto d_norm = b.scratch.partials.view().row_span(slice).first(d_w.norm.size());
    for (size_t i = 0; i < b.step.acts.spans.size(); ++i) {
      const RowRange own = b.scratch.entries[i];
      for (int64_t e = std::max(own.begin, part.begin); e < std::min(own.end, part.end); ++e) {
        entry_backward(b, pass, {b.step.acts.spans[i], e - own.begin}, b.scratch.workers[worker],
                       d_entries.row_span(e), d_norm);
      }
    }
  });
  add_slices(std::as_const(b.scratch.partials).view(), d_w.norm);
  add_position_gradients(b, d_z, d_w.ape);
  const MatView<const float> x = b.rows(b.step.acts.hc.x);
  add_weight_gradient(b.step.pool, d_c, x, d_w.wkv.d_w);
  add_weight_gradient(b.step.pool, d_z, x, d_w.wgate.d_w);
  if (pass.input == InputGradient::kDetached) return;
  add_input_gradient(b.step.pool, d_c, d_w.wkv.w, b.rows(b.scratch.d_x));
  add_input_gradient(b.step.pool, d_z, d_w.wgate.w, b.rows(b.scratch.d_x));
}

}  // namespace fathom
