// SPDX-License-Identifier: MIT
#include "model/attend_tokens_backward.h"

#include <algorithm>
#include <cmath>

#include "ops/attend_backward.h"
#include "ops/index_loss.h"
#include "ops/parallel.h"
#include "ops/row.h"

namespace fathom {
namespace {

// A block of tokens of one span with one group of heads.
struct TokenBlock {
  size_t span_index;
  const LayerSpan& span;
  int group;
  PartRange heads;
  int64_t first;  // token of the span
  int64_t tokens;
  int64_t window_first = 0;  // the first key-value row of its list
  int64_t window_rows = 0;
  int64_t entry_rows = 0;

  int64_t head_count() const noexcept { return heads.end - heads.begin; }
  int64_t keys() const noexcept { return window_rows + entry_rows; }
  int64_t row(int64_t token) const noexcept { return span.first_row + first + token; }  // of the batch
};

int64_t group_count(BackwardStep& b, const AttentionPass& pass) noexcept {
  // The teacher is the sum over all heads, so they stay together.
  return pass.index_loss ? 1 : std::min(kHeadGroups, b.step.config().num_attention_heads);
}

// The entries that any token of the block sees, ascending, and where each lies in that list.
void list_entries(BackwardStep& b, const AttentionPass& pass, AttendBackwardScratch& s,
                  TokenBlock& block) noexcept {
  const int64_t last_visible = (block.first + block.tokens) / pass.layer.compress_ratio;
  const bool chosen_only = pass.layer.kind == LayerKind::kCsa;
  std::fill_n(s.place.begin(), last_visible, chosen_only ? -1 : 0);
  if (chosen_only) {
    const AttentionActivations& a = b.step.acts.attention;
    for (int64_t t = 0; t < block.tokens; ++t) {
      const int64_t row = block.row(t);
      for (int64_t i = 0; i < a.chosen_count[row]; ++i) s.place[a.chosen.view().at(row, i)] = 0;
    }
  }
  for (int64_t e = 0; e < last_visible; ++e) {
    if (s.place[e] < 0) continue;
    s.place[e] = static_cast<int32_t>(block.entry_rows);
    s.entries[block.entry_rows++] = static_cast<int32_t>(e);
  }
}

void list_keys(BackwardStep& b, const AttentionPass& pass, AttendBackwardScratch& s,
               TokenBlock& block) noexcept {
  block.window_first = std::max<int64_t>(0, block.first - b.step.config().sliding_window + 1);
  block.window_rows = block.first + block.tokens - block.window_first;
  if (pass.layer.compressed()) list_entries(b, pass, s, block);
  const auto kv = b.step.acts.attention.kv.view();
  for (int64_t i = 0; i < block.window_rows; ++i) {
    std::copy_n(kv.row(block.span.first_row + block.window_first + i), kv.cols, s.keys.view().row(i));
  }
  for (int64_t i = 0; i < block.entry_rows; ++i) {
    std::copy_n(block.span.state->compressor->entries.row(s.entries[i]), kv.cols,
                s.keys.view().row(block.window_rows + i));
  }
}

void mark_allowed(BackwardStep& b, const AttentionPass& pass, AttendBackwardScratch& s,
                  const TokenBlock& block) noexcept {
  const AttentionActivations& a = b.step.acts.attention;
  for (int64_t t = 0; t < block.tokens; ++t) {
    uint8_t* allowed = s.allowed.view().row(t);
    std::fill_n(allowed, block.keys(), uint8_t{0});
    const int64_t position = block.first + t;
    const int64_t oldest = std::max<int64_t>(0, position - b.step.config().sliding_window + 1);
    std::fill_n(allowed + (oldest - block.window_first), position - oldest + 1, uint8_t{1});
    uint8_t* entries = allowed + block.window_rows;
    if (pass.layer.kind == LayerKind::kHca) {
      std::fill_n(entries, (position + 1) / pass.layer.compress_ratio, uint8_t{1});
    } else if (pass.layer.kind == LayerKind::kCsa) {
      for (int64_t i = 0; i < a.chosen_count[block.row(t)]; ++i) {
        entries[s.place[a.chosen.view().at(block.row(t), i)]] = 1;
      }
    }
  }
}

// Copies the block's heads between a matrix [T, H dim] and one row a head.
void gather_heads(MatView<const float> from, const TokenBlock& block, MatView<float> to) noexcept {
  for (int64_t t = 0; t < block.tokens; ++t) {
    std::copy_n(from.row(block.row(t)) + block.heads.begin * to.cols, block.head_count() * to.cols,
                to.row(t * block.head_count()));
  }
}
void scatter_heads(MatView<const float> from, const TokenBlock& block, MatView<float> to) noexcept {
  for (int64_t t = 0; t < block.tokens; ++t) {
    std::copy_n(from.row(t * block.head_count()), block.head_count() * from.cols,
                to.row(block.row(t)) + block.heads.begin * from.cols);
  }
}

// Rows of the block's key list back to the rows they came from.
void add_key_gradients(BackwardStep& b, const AttentionPass& pass, const AttendBackwardScratch& s,
                       const TokenBlock& block) noexcept {
  const auto d_kv = b.scratch.d_kv.view().slice_rows(block.group * b.step.rows, b.step.rows);
  for (int64_t i = 0; i < block.window_rows; ++i) {
    add_row(s.d_keys.view().row_span(i), d_kv.row_span(block.span.first_row + block.window_first + i));
  }
  const int64_t first = block.group * pass.entries + b.scratch.entries[block.span_index].begin;
  for (int64_t i = 0; i < block.entry_rows; ++i) {
    add_row(s.d_keys.view().row_span(block.window_rows + i),
            b.scratch.d_entries.view().row_span(first + s.entries[i]));
  }
}

void attend_block(BackwardStep& b, const AttentionPass& pass, AttendBackwardScratch& s,
                  const TokenBlock& block) noexcept {
  const int64_t rows = block.tokens * block.head_count();
  const int64_t keys = block.keys();
  const int64_t dim = b.step.config().head_dim;
  const MatView<float> q = s.q.view().slice_rows(0, rows);
  const MatView<float> d_out = s.d_out.view().slice_rows(0, rows);
  gather_heads(b.step.acts.attention.q.view(), block, q);
  gather_heads(b.scratch.d_out.view(), block, d_out);
  const MatView<float> d_keys = s.d_keys.view().slice_rows(0, keys);
  std::fill_n(d_keys.data, keys * dim, 0.0F);
  const auto first_head = static_cast<size_t>(block.heads.begin);
  const auto heads = static_cast<size_t>(block.head_count());
  const auto sink_row = static_cast<int64_t>(block.span_index) * kHeadGroups + block.group;
  const MatView<float> d_q = s.d_q.view().slice_rows(0, rows);
  attend_backward<float>({.q = q,
                          .keys = s.keys.view().slice_rows(0, keys),
                          .allowed = s.allowed.view().slice_rows(0, block.tokens).slice_cols(0, keys),
                          .attn_sink = pass.w.attn_sink.subspan(first_head, heads),
                          .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim)))},
                         {.keys_transposed = s.keys_transposed.view().slice_cols(0, keys),
                          .weights = s.weights.view().slice_rows(0, rows).slice_cols(0, keys),
                          .d_weights = s.d_weights.view().slice_rows(0, rows).slice_cols(0, keys)},
                         {.d_out = d_out,
                          .d_q = d_q,
                          .d_keys = d_keys,
                          .d_sink = b.scratch.d_sink.view().row_span(sink_row).subspan(first_head, heads)});
  scatter_heads(d_q, block, b.scratch.d_q.view());
  add_key_gradients(b, pass, s, block);
}

// The indexer's loss of a block whose attention weights lie in s.weights.
double index_block(BackwardStep& b, AttendBackwardScratch& s, const TokenBlock& block) noexcept {
  const int64_t entries = block.entry_rows;
  if (entries == 0) return 0.0;
  const int64_t heads = b.step.config().index_n_heads;
  const int64_t rows = block.tokens * heads;
  TokenBlock all_heads = block;
  all_heads.heads = {0, heads};
  const MatView<float> q = s.index_q.view().slice_rows(0, rows);
  const MatView<float> d_q = s.d_index_q.view().slice_rows(0, rows);
  gather_heads(b.step.acts.attention.index_q.view(), all_heads, q);
  const MatView<float> keys = s.index_keys.view().slice_rows(0, entries);
  const MatView<float> d_keys = s.d_index_keys.view().slice_rows(0, entries);
  for (int64_t i = 0; i < entries; ++i) {
    std::copy_n(block.span.state->indexer->entries.row(s.entries[i]), keys.cols, keys.row(i));
    std::fill_n(d_keys.row(i), keys.cols, 0.0F);
  }
  const auto of_entries = [&](auto m, int64_t count) {
    return m.slice_rows(0, count).slice_cols(block.window_rows, entries);
  };
  const double loss = index_loss_backward<float>(
      {.q = q,
       .head_weights = b.step.acts.attention.index_weights.view().slice_rows(block.row(0), block.tokens),
       .keys = keys,
       .allowed = of_entries(s.allowed.view(), block.tokens),
       .attention = of_entries(s.weights.view(), block.tokens * block.head_count()),
       .loss_scale = b.wanted.index_scale},
      {.keys_transposed = s.index_keys_transposed.view().slice_cols(0, entries),
       .dots = s.dots.view().slice_rows(0, rows).slice_cols(0, entries),
       .teacher = s.teacher.view().slice_rows(0, block.tokens).slice_cols(0, entries),
       .scores = s.scores.view().slice_rows(0, block.tokens).slice_cols(0, entries)},
      {.d_q = d_q,
       .d_head_weights = b.scratch.d_index_w.view().slice_rows(block.row(0), block.tokens),
       .d_keys = d_keys});
  scatter_heads(d_q, all_heads, b.scratch.d_index_q.view());
  const int64_t first = b.scratch.entries[block.span_index].begin;
  for (int64_t i = 0; i < entries; ++i) {
    add_row(d_keys.row_span(i), b.scratch.d_index_keys.view().row_span(first + s.entries[i]));
  }
  return loss;
}

// All tokens of one span with one group of heads.
void attend_piece(BackwardStep& b, const AttentionPass& pass, size_t span_index, int group,
                  int worker) noexcept {
  AttendBackwardScratch& s = b.scratch.workers[worker].attend;
  const LayerSpan& span = b.step.acts.spans[span_index];
  const PartRange heads =
      part_range(b.step.config().num_attention_heads, group, static_cast<int>(group_count(b, pass)));
  double loss = 0.0;
  for (int64_t first = 0; first < span.rows; first += kBlockTokens) {
    TokenBlock block{span_index, span, group, heads, first, std::min(kBlockTokens, span.rows - first)};
    list_keys(b, pass, s, block);
    mark_allowed(b, pass, s, block);
    attend_block(b, pass, s, block);
    if (pass.index_loss) loss += index_block(b, s, block);
  }
  if (pass.index_loss) b.scratch.losses[span_index] = loss;
}

void clear_sums(BackwardStep& b, const AttentionPass& pass, int64_t groups) noexcept {
  clear_rows(b.step.pool, b.scratch.d_kv.view().slice_rows(0, groups * b.step.rows));
  clear_rows(b.step.pool, b.scratch.d_entries.view().slice_rows(0, groups * pass.entries));
  const auto spans = static_cast<int64_t>(b.step.acts.spans.size());
  clear_rows(b.step.pool, b.scratch.d_sink.view().slice_rows(0, kHeadGroups * spans));
  if (!pass.index_loss) return;
  clear_rows(b.step.pool, b.rows(b.scratch.d_index_q));
  clear_rows(b.step.pool, b.rows(b.scratch.d_index_w));
  clear_rows(b.step.pool, b.scratch.d_index_keys.view().slice_rows(0, pass.entries));
}

// Adds the sums of the other head groups to the first one's.
void add_groups(ThreadPool& pool, MatView<float> sums, int64_t rows, int64_t groups) noexcept {
  parallel_rows(pool, rows, [&](int64_t row, int) {
    for (int64_t g = 1; g < groups; ++g) add_row(sums.row_span(g * rows + row), sums.row_span(row));
  });
}

}  // namespace

void attend_tokens_backward(BackwardStep& b, const AttentionPass& pass, std::span<float> d_sink) noexcept {
  const int64_t groups = group_count(b, pass);
  clear_sums(b, pass, groups);
  const auto pieces = static_cast<int64_t>(b.step.acts.spans.size()) * groups;
  b.step.pool.run([&](int worker) {
    for (int64_t piece = worker; piece < pieces; piece += b.step.pool.size()) {
      attend_piece(b, pass, static_cast<size_t>(piece / groups), static_cast<int>(piece % groups), worker);
    }
  });
  add_groups(b.step.pool, b.scratch.d_kv.view(), b.step.rows, groups);
  add_groups(b.step.pool, b.scratch.d_entries.view(), pass.entries, groups);
  for (size_t i = 0; i < b.step.acts.spans.size(); ++i) {
    for (int64_t g = 0; g < groups; ++g) {
      add_row(b.scratch.d_sink.view().row_span(static_cast<int64_t>(i) * kHeadGroups + g), d_sink);
    }
    if (pass.index_loss) b.sums.index += b.scratch.losses[i];
  }
}

}  // namespace fathom
