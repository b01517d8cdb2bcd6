// SPDX-License-Identifier: MIT
#include "model/attention.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/compressor.h"
#include "model/indexer.h"
#include "ops/attend.h"
#include "ops/linear.h"
#include "ops/parallel.h"
#include "ops/rms_norm.h"
#include "ops/unpack_row.h"

namespace fathom {
namespace {

// Jobs of one stage, at most as many as a layer has input projections.
class JobList {
 public:
  void add(const LinearJob& job) noexcept { jobs_[count_++] = job; }
  std::span<const LinearJob> jobs() const noexcept { return {jobs_.data(), count_}; }

 private:
  std::array<LinearJob, 8> jobs_;
  size_t count_ = 0;
};

// First T rows and first `cols` columns of a buffer.
MatView<float> part(StepContext& step, MatBuf<float>& buf, int64_t cols) noexcept {
  return buf.view().slice_rows(0, step.rows).slice_cols(0, cols);
}

MatView<float> part(StepContext& step, MatBuf<float>& buf) noexcept { return part(step, buf, buf.cols()); }

void project_compressor(StepContext& step, const CompressorWeights& w, CompressorActivations& acts,
                        JobList& stage) noexcept {
  const auto x = part(step, step.acts.hc.x);
  stage.add({x, &w.wkv, part(step, acts.c, w.wkv.rows)});
  stage.add({x, &w.wgate, part(step, acts.z, w.wgate.rows)});
}

// Everything that reads the sublayer input x, as one stage.
void project_input(StepContext& step, const AttentionWeights& w) noexcept {
  AttentionActivations& a = step.acts.attention;
  JobList stage;
  const auto add = [&](const WeightView& m, MatView<float> y) {
    const auto x = part(step, step.quantizes(m) ? step.acts.hc.x_quant : step.acts.hc.x);
    stage.add({x, &m, y, step.x_precision(m)});
  };
  add(w.wq_a, part(step, a.q_latent));
  add(w.wkv, part(step, a.kv));
  if (w.compressor) project_compressor(step, *w.compressor, a.compressor, stage);
  if (w.indexer) {
    project_compressor(step, w.indexer->compressor, a.indexer, stage);
    add(w.indexer->weights_proj, part(step, a.index_weights));
  }
  linear(step.pool, stage.jobs());
}

// Norms, rotation and round trip of one row's projections of x.
void finish_input_row(StepContext& step, const LayerConfig& layer, const AttentionWeights& w,
                      int64_t row) noexcept {
  AttentionActivations& a = step.acts.attention;
  const auto q_latent = a.q_latent.view().row_span(row);
  rms_norm(q_latent, w.q_norm, step.norm_eps(), q_latent);
  quantize_activations(q_latent, a.q_latent_quant.view().row_span(row));
  const auto kv = a.kv.view().row_span(row);
  rms_norm(kv, w.kv_norm, step.norm_eps(), kv);
  rotate(kv, row_angles(step.acts, layer, row));
  if (step.rounding == Rounding::kAsDeployed) quantize_kv(kv, step.config().nope_dim());
  const auto z_row = [&](CompressorActivations& acts, const CompressorWeights& compressor) {
    return acts.z.view().row_span(row).first(static_cast<size_t>(compressor.wgate.rows));
  };
  const int64_t position = step.acts.positions[row];
  if (w.compressor) add_position_bias(*w.compressor, position, z_row(a.compressor, *w.compressor));
  if (w.indexer) add_position_bias(w.indexer->compressor, position, z_row(a.indexer, w.indexer->compressor));
}

void project_queries(StepContext& step, const AttentionWeights& w) noexcept {
  AttentionActivations& a = step.acts.attention;
  JobList stage;
  const auto add = [&](const WeightView& m, MatView<float> y) {
    stage.add({part(step, step.quantizes(m) ? a.q_latent_quant : a.q_latent), &m, y, step.x_precision(m)});
  };
  add(w.wq_b, part(step, a.q));
  if (w.indexer) add(w.indexer->wq_b, part(step, a.index_q));
  linear(step.pool, stage.jobs());
}

void finish_queries_row(StepContext& step, const LayerConfig& layer, int64_t row) noexcept {
  const auto dim = static_cast<size_t>(step.config().head_dim);
  const auto q = step.acts.attention.q.view().row_span(row);
  for (size_t first = 0; first < q.size(); first += dim) {
    const auto head = q.subspan(first, dim);
    rms_scale(head, step.norm_eps());
    rotate(head, row_angles(step.acts, layer, row));
  }
  if (layer.kind == LayerKind::kCsa) finish_index_query(step, layer, row);
}

// One token's attention: a range of its heads against all rows it sees.
struct AttendJob {
  const LayerSpan& span;
  int64_t row;  // within the batch
  PartRange heads;
  int worker;
};

// The rows of one attention block as f32: in place where they are, else unpacked into the worker's scratch.
class RowBlock {
 public:
  explicit RowBlock(WorkerScratch& scratch) noexcept : scratch_(scratch) {}

  void add(const float* row) noexcept { rows_[count_++] = row; }
  void add(const RowFormat& format, const uint8_t* bytes) noexcept {
    if (format.encoding == RowEncoding::kF32) return add(reinterpret_cast<const float*>(bytes));
    const std::span<float> out(scratch_.rows.data() + static_cast<int64_t>(count_) * format.dim,
                               static_cast<size_t>(format.dim));
    unpack_row(format, bytes, out);
    add(out.data());
  }
  std::span<const float* const> rows() const noexcept { return {rows_.data(), count_}; }

 private:
  WorkerScratch& scratch_;
  std::array<const float*, kAttendBlock> rows_;
  size_t count_ = 0;
};

// Window rows in blocks aligned to absolute position: carried rows from the ring, this span's own from acts.
void attend_window(StepContext& step, const AttendJob& job, AttendState state) noexcept {
  const auto kv = step.acts.attention.kv.view();
  const RowRing& window = job.span.state->window;
  const int64_t position = step.acts.positions[job.row];
  int64_t p = std::max(job.span.window_begin, position - step.config().sliding_window + 1);
  while (p <= position) {
    const int64_t end = std::min(position + 1, (p / kAttendBlock + 1) * kAttendBlock);
    RowBlock block(step.acts.scratch[job.worker]);
    for (; p < end; ++p) {
      if (p >= job.span.position) {
        block.add(kv.row(job.span.first_row + p - job.span.position));
      } else {
        block.add(window.format(), window.bytes(p));
      }
    }
    attend_rows(state, block.rows());
  }
}

// The entries that a token attends to, by rank: the indexer's choice, or all visible ones.
class EntryRanks {
 public:
  EntryRanks(StepContext& step, const LayerConfig& layer, const AttendJob& job) noexcept
      : entries_(job.span.state->compressor->entries) {
    if (layer.kind == LayerKind::kCsa) {
      count_ = step.acts.attention.chosen_count[job.row];
      chosen_ = step.acts.attention.chosen.view().row_span(job.row);
    } else {
      count_ = (step.acts.positions[job.row] + 1) / layer.compress_ratio;
    }
  }

  int64_t count() const noexcept { return count_; }
  const RowFormat& format() const noexcept { return entries_.format(); }
  const uint8_t* bytes(int64_t rank) const noexcept {
    return entries_.bytes(chosen_.empty() ? rank : chosen_[static_cast<size_t>(rank)]);
  }
  // They lie scattered over memory that nobody has touched since the token before.
  void prefetch(int64_t rank) const noexcept {
    if (rank < count_) prefetch_row(format(), bytes(rank));
  }

 private:
  const RowStore& entries_;
  std::span<const int32_t> chosen_;  // empty: rank and entry are the same
  int64_t count_ = 0;
};

// Entries in blocks of their rank; while one block is unpacked the next one is fetched.
void attend_entries(StepContext& step, const EntryRanks& ranks, int worker, AttendState state) noexcept {
  for (int64_t rank = 0; rank < ranks.count(); rank += kAttendBlock) {
    RowBlock block(step.acts.scratch[worker]);
    const int64_t end = std::min<int64_t>(rank + kAttendBlock, ranks.count());
    for (int64_t i = rank; i < end; ++i) {
      ranks.prefetch(i + kAttendBlock);
      block.add(ranks.format(), ranks.bytes(i));
    }
    attend_rows(state, block.rows());
  }
}

// The window first, then the entries; the first block of these is on its way meanwhile.
void attend_seen_rows(StepContext& step, const LayerConfig& layer, const AttendJob& job,
                      AttendState state) noexcept {
  if (!layer.compressed()) return attend_window(step, job, state);
  const EntryRanks ranks(step, layer, job);
  for (int64_t i = 0; i < kAttendBlock; ++i) ranks.prefetch(i);
  attend_window(step, job, state);
  attend_entries(step, ranks, job.worker, state);
}

void attend_token(StepContext& step, const LayerConfig& layer, const AttentionWeights& w,
                  const AttendJob& job) noexcept {
  AttentionActivations& a = step.acts.attention;
  WorkerScratch& scratch = step.acts.scratch[job.worker];
  const auto dim = static_cast<size_t>(step.config().head_dim);
  const auto heads = static_cast<size_t>(job.heads.end - job.heads.begin);
  const size_t first = static_cast<size_t>(job.heads.begin) * dim;
  const AttendState state{.q = a.q.view().row_span(job.row).subspan(first, heads * dim),
                          .running_max = std::span(scratch.running_max).first(heads),
                          .running_sum = std::span(scratch.running_sum).first(heads),
                          .out = a.out.view().row_span(job.row).subspan(first, heads * dim),
                          .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim)))};
  attend_begin(state, w.attn_sink.subspan(static_cast<size_t>(job.heads.begin), heads));
  attend_seen_rows(step, layer, job, state);
  attend_finish(state);
  for (size_t h = 0; h < heads; ++h) {
    rotate_back(state.out.subspan(h * dim, dim), row_angles(step.acts, layer, job.row));
  }
}

// Keys and values of one token are read once for all heads.
StageWork attend_work(StepContext& step, const LayerConfig& layer) noexcept {
  StageWork work;
  for (const LayerSpan& span : step.acts.spans) {
    int64_t keys = step.config().sliding_window;
    if (layer.compressed()) keys += (span.position + span.rows) / layer.compress_ratio;
    if (layer.kind == LayerKind::kCsa)
      keys = std::min<int64_t>(keys, step.config().sliding_window + step.config().index_topk);
    const int64_t row_floats = span.rows * keys * step.config().head_dim;
    work.nanoseconds +=
        StageWork::of(row_floats * 4, row_floats * 2 * step.config().num_attention_heads).nanoseconds;
  }
  return work;
}

// Splits by tokens when there are enough of them, otherwise by heads; a head's result is the same either way.
// Each worker takes every so-manieth token, since later ones see more rows.
void attend_all(StepContext& step, const LayerConfig& layer, const AttentionWeights& w) noexcept {
  const int workers = step.pool.size();
  const int64_t all_heads = step.config().num_attention_heads;
  const bool by_token = step.rows % workers == 0 || step.rows > 4 * workers;
  step.pool.run(attend_work(step, layer), [&](int worker) {
    const PartRange heads = by_token ? PartRange{0, all_heads} : part_range(all_heads, worker, workers);
    if (heads.begin == heads.end) return;
    for (const LayerSpan& span : step.acts.spans) {
      for (int64_t row = span.first_row; row < span.first_row + span.rows; ++row) {
        if (!by_token || row % workers == worker) attend_token(step, layer, w, {span, row, heads, worker});
      }
    }
  });
}

// Grouped output projection: W_oa per group of heads on unquantised input, then W_ob.
void project_output(StepContext& step, const AttentionWeights& w) noexcept {
  AttentionActivations& a = step.acts.attention;
  const auto out = part(step, a.out);
  const auto latent = part(step, a.latent);
  const int64_t group_cols = out.cols / step.config().o_groups;
  const int64_t rank = step.config().o_lora_rank;
  const auto group_job = [&](int64_t g) {
    return LinearJob{out.slice_cols(g * group_cols, group_cols), &w.wo_a[g],
                     latent.slice_cols(g * rank, rank)};
  };
  const StageWork group_work = linear_work(group_job(0));
  step.pool.run(StageWork{group_work.nanoseconds * step.config().o_groups}, [&](int worker) {
    for (int64_t g = 0; g < step.config().o_groups; ++g) {
      const PartRange rows = part_range(rank, worker, step.pool.size(), 16);
      linear_rows(group_job(g), rows.begin, rows.end);
    }
  });
  const bool quantize = step.quantizes(w.wo_b);
  if (quantize) {
    parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
      quantize_activations(latent.row_span(row), a.latent_quant.view().row_span(row));
    });
  }
  linear(step.pool, {quantize ? part(step, a.latent_quant) : latent, &w.wo_b, part(step, step.acts.hc.y),
                     step.x_precision(w.wo_b)});
}

void keep_window(StepContext& step, const LayerSpan& span) noexcept {
  RowRing& window = span.state->window;
  const int64_t end = span.position + span.rows;
  for (int64_t p = std::max(span.position, end - window.capacity()); p < end; ++p) {
    pack_row(window.format(), step.acts.attention.kv.view().row_span(span.first_row + p - span.position),
             window.bytes(p));
  }
}

}  // namespace

void attention_forward(StepContext& step, const LayerConfig& layer, const AttentionWeights& w) noexcept {
  step.enter(Stage::kProjections);
  project_input(step, w);
  step.enter(Stage::kRows);
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) { finish_input_row(step, layer, w, row); });
  step.enter(Stage::kProjections);
  project_queries(step, w);
  step.enter(Stage::kRows);
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) { finish_queries_row(step, layer, row); });
  if (w.compressor) {
    compressor_forward(step, layer, *w.compressor, EntryKind::kKeyValue, step.acts.attention.compressor);
  }
  if (w.indexer) {
    compressor_forward(step, layer, w.indexer->compressor, EntryKind::kIndexKey, step.acts.attention.indexer);
    step.enter(Stage::kIndexScan);
    indexer_forward(step, layer);
  }
  step.enter(Stage::kAttention);
  attend_all(step, layer, w);
  step.enter(Stage::kProjections);
  project_output(step, w);
  step.enter(Stage::kRows);
  for (const LayerSpan& span : step.acts.spans) keep_window(step, span);
}

}  // namespace fathom
