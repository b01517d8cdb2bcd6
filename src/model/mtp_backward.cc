// SPDX-License-Identifier: MIT
#include "model/mtp_backward.h"

#include <algorithm>

#include "ops/linear_backward.h"
#include "ops/parallel.h"
#include "ops/rms_norm_backward.h"
#include "ops/row.h"
#include "ops/vector_math.h"

namespace fathom {
namespace {

void norm_all(StepContext& step, const MtpWeights& w, std::span<const DraftSource> sources) noexcept {
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
    const int64_t main_row = sources[static_cast<size_t>(row)].main_row;
    norm_draft_inputs(
        step, w,
        {step.acts.streams.view().row_span(main_row), step.acts.embedding.view().row_span(main_row + 1)},
        row);
  });
}

// d_normed [rows n, D] through hnorm to the main streams.
void streams_backward(BackwardStep& b, const MtpWeights& w, std::span<const DraftSource> sources,
                      std::span<float> d_hnorm, MatView<float> d_streams) noexcept {
  const auto hidden = static_cast<size_t>(b.step.config().hidden_size);
  const int64_t n = b.step.config().hc_mult;
  clear_rows(b.step.pool, b.scratch.partials.view());
  for_slices(b.step.pool, b.step.rows, [&](int slice, PartRange rows, int) {
    const auto d_norm = b.scratch.partials.view().row_span(slice).first(hidden);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const int64_t main_row = sources[static_cast<size_t>(row)].main_row;
      for (int64_t j = 0; j < n; ++j) {
        const auto d = b.scratch.d_normed.view().row_span(row * n + j);
        const size_t first = static_cast<size_t>(j) * hidden;
        rms_norm_backward<float>(b.step.acts.streams.view().row_span(main_row).subspan(first, hidden),
                                 w.hnorm, b.step.norm_eps(), d, d, d_norm);
        add_row(d, d_streams.row_span(main_row).subspan(first, hidden));
      }
    }
  });
  add_slices(std::as_const(b.scratch.partials).view(), d_hnorm);
}

// scratch.d_y [rows, D] through enorm to the embeddings of the next tokens.
void embedding_backward(BackwardStep& b, const MtpWeights& w, std::span<const DraftSource> sources,
                        std::span<float> d_enorm, MatView<float> d_embedding) noexcept {
  clear_rows(b.step.pool, b.scratch.partials.view());
  for_slices(b.step.pool, b.step.rows, [&](int slice, PartRange rows, int) {
    const auto d_norm = b.scratch.partials.view().row_span(slice).first(d_enorm.size());
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const int64_t next = sources[static_cast<size_t>(row)].main_row + 1;
      const auto d = b.scratch.d_y.view().row_span(row);
      rms_norm_backward<float>(b.step.acts.embedding.view().row_span(next), w.enorm, b.step.norm_eps(), d, d,
                               d_norm);
      add_row(d, d_embedding.row_span(next));
    }
  });
  add_slices(std::as_const(b.scratch.partials).view(), d_enorm);
}

}  // namespace

void draft_inputs(StepContext& step, const MtpWeights& w, std::span<const DraftSource> sources) noexcept {
  norm_all(step, w, sources);
  project_draft_inputs(step, w);
}

void draft_inputs_backward(BackwardStep& b, const MtpWeights& w, std::span<const DraftSource> sources,
                           MtpGradients& d_w, const DraftInputGradients& d) noexcept {
  ThreadPool& pool = b.step.pool;
  const int64_t n = b.step.config().hc_mult;
  const int64_t hidden = b.step.config().hidden_size;
  const MatView<const float> d_rows(d.d_draft.data, b.step.rows * n, hidden);
  // The embedding's part is broadcast over the streams, so its derivative is their sum.
  const auto d_embedded = b.scratch.d_embedding.view().slice_rows(0, b.step.rows);
  parallel_rows(pool, b.step.rows, [&](int64_t row, int) {
    const auto sum = d_embedded.row_span(row);
    std::fill(sum.begin(), sum.end(), 0.0F);
    for (int64_t j = 0; j < n; ++j) add_row(d_rows.row_span(row * n + j), sum);
  });
  norm_all(b.step, w, sources);
  const MatView<const float> normed(b.step.acts.draft_hidden.data(), d_rows.rows, hidden);
  const auto d_normed = b.scratch.d_normed.view().slice_rows(0, d_rows.rows);
  clear_rows(pool, d_normed);
  clear_rows(pool, b.rows(b.scratch.d_y));
  add_weight_gradient(pool, d_embedded, b.rows(b.step.acts.hc.x), d_w.e_proj.d_w);
  add_input_gradient(pool, d_embedded, d_w.e_proj.w, b.rows(b.scratch.d_y));
  add_weight_gradient(pool, d_rows, normed, d_w.h_proj.d_w);
  add_input_gradient(pool, d_rows, d_w.h_proj.w, d_normed);
  streams_backward(b, w, sources, d_w.hnorm, d.d_streams);
  embedding_backward(b, w, sources, d_w.enorm, d.d_embedding);
}

}  // namespace fathom
