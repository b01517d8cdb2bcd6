// SPDX-License-Identifier: MIT
#include "model/backward_step.h"

#include <algorithm>

#include "ops/hc_mix_backward.h"
#include "ops/parallel.h"

namespace fathom {
namespace {

class Allocator {
 public:
  template <typename T>
  void operator()(MatBuf<T>& buf, int64_t rows, int64_t cols) {
    if (!status_.ok()) return;
    auto result = MatBuf<T>::allocate(rows, cols);
    if (result.ok()) {
      buf = std::move(result).value();
    } else {
      status_ = result.status();
    }
  }
  Status status() const { return status_; }

 private:
  Status status_;
};

// The most entries that `rows` tokens can have in a layer, and the most rows an entry is pooled from.
int64_t max_entries(const ModelConfig& c, int64_t rows) {
  int64_t entries = 0;
  for (const LayerConfig& layer : c.layers) {
    if (layer.compressed()) entries = std::max(entries, rows / layer.compress_ratio);
  }
  return entries;
}

int64_t max_pooled_rows(const ModelConfig& c) {
  int64_t rows = 0;
  for (const LayerConfig& layer : c.layers) rows = std::max<int64_t>(rows, 2 * int64_t{layer.compress_ratio});
  return rows;
}

int64_t max_width(const ModelConfig& c) { return 2 * std::max<int64_t>(c.head_dim, c.index_head_dim); }

void allocate_attend(Allocator& allocate, const ModelConfig& c, int64_t rows, AttendBackwardScratch& s) {
  const int64_t entries = max_entries(c, rows);
  const int64_t keys = std::min<int64_t>(c.sliding_window, rows) + kBlockTokens + entries;
  const int64_t heads = std::max(c.num_attention_heads, c.index_n_heads);
  const int64_t block = kBlockTokens * heads;
  allocate(s.q, block, c.head_dim);
  allocate(s.d_out, block, c.head_dim);
  allocate(s.d_q, block, c.head_dim);
  allocate(s.keys, keys, c.head_dim);
  allocate(s.keys_transposed, c.head_dim, keys);
  allocate(s.d_keys, keys, c.head_dim);
  allocate(s.weights, block, keys);
  allocate(s.d_weights, block, keys);
  allocate(s.allowed, kBlockTokens, keys);
  s.entries.resize(static_cast<size_t>(entries));
  s.place.resize(static_cast<size_t>(entries));
  if (c.index_head_dim == 0) return;
  allocate(s.index_q, block, c.index_head_dim);
  allocate(s.d_index_q, block, c.index_head_dim);
  allocate(s.index_keys, keys, c.index_head_dim);
  allocate(s.index_keys_transposed, c.index_head_dim, keys);
  allocate(s.d_index_keys, keys, c.index_head_dim);
  allocate(s.dots, block, keys);
  allocate(s.teacher, kBlockTokens, keys);
  allocate(s.scores, kBlockTokens, keys);
}

void allocate_attention(Allocator& allocate, const ModelConfig& c, int64_t rows, BackwardScratch& s) {
  const int64_t heads_width = int64_t{c.num_attention_heads} * c.head_dim;
  const int64_t entries = max_entries(c, rows);
  allocate(s.d_latent, rows, int64_t{c.o_groups} * c.o_lora_rank);
  allocate(s.d_out, rows, heads_width);
  allocate(s.d_q, rows, heads_width);
  allocate(s.raw_q, rows, heads_width);
  allocate(s.d_q_latent, rows, c.q_lora_rank);
  allocate(s.raw_q_latent, rows, c.q_lora_rank);
  allocate(s.raw_kv, rows, c.head_dim);
  allocate(s.d_kv, kHeadGroups * rows, c.head_dim);
  allocate(s.d_entries, kHeadGroups * entries, c.head_dim);
  allocate(s.d_sink, kHeadGroups * rows, c.num_attention_heads);
  allocate(s.d_index_q, rows, int64_t{c.index_n_heads} * c.index_head_dim);
  allocate(s.d_index_w, rows, c.index_n_heads);
  allocate(s.d_index_keys, entries, c.index_head_dim);
  allocate(s.d_c, rows, max_width(c));
  allocate(s.d_z, rows, max_width(c));
  s.losses.resize(static_cast<size_t>(rows));
  s.entries.resize(static_cast<size_t>(rows));
}

void allocate_experts(Allocator& allocate, const ModelConfig& c, int64_t rows, BackwardScratch& s) {
  const int64_t slots = rows * c.num_experts_per_tok;
  allocate(s.d_yg, slots, c.hidden_size);
  allocate(s.d_xg, slots, c.hidden_size);
  allocate(s.d_hidden, slots, c.moe_intermediate_size);
  allocate(s.gate, slots, c.moe_intermediate_size);
  allocate(s.d_weight, slots, 1);
  allocate(s.shared_d_hidden, rows, c.shared_intermediate_size());
  allocate(s.shared_gate, rows, c.shared_intermediate_size());
  allocate(s.d_scores, rows, c.n_routed_experts);
  s.balance.resize(static_cast<size_t>(c.n_routed_experts));
}

void allocate_hc(Allocator& allocate, const ModelConfig& c, int64_t rows, BackwardScratch& s) {
  allocate(s.d_y, rows, c.hidden_size);
  allocate(s.d_x, rows, c.hidden_size);
  allocate(s.d_post, rows, c.hc_mult);
  allocate(s.d_comb, rows, int64_t{c.hc_mult} * c.hc_mult);
  allocate(s.d_mix, rows, c.hc_mix_size());
  const int64_t vectors = std::max<int64_t>({int64_t{c.hidden_size} + c.hc_mix_size() + 3,
                                             int64_t{c.q_lora_rank}, int64_t{c.head_dim}, max_width(c)});
  allocate(s.partials, kSlices, vectors);
}

WorkerBackwardScratch make_worker(const ModelConfig& c) {
  WorkerBackwardScratch s;
  const HcSettings settings{
      .streams = c.hc_mult, .sinkhorn_iters = c.hc_sinkhorn_iters, .hc_eps = static_cast<float>(c.hc_eps)};
  s.hc.resize(hc_backward_scratch(settings));
  s.row.resize(static_cast<size_t>(std::max(int64_t{c.hc_mult} * c.hidden_size, max_width(c))));
  s.comb.resize(static_cast<size_t>(c.hc_mult) * static_cast<size_t>(c.hc_mult));
  s.cos.resize(static_cast<size_t>(c.qk_rope_head_dim) / 2);
  s.sin.resize(s.cos.size());
  const auto pooled = static_cast<size_t>(max_pooled_rows(c));
  s.c_rows.resize(pooled);
  s.z_rows.resize(pooled);
  s.d_c_rows.resize(pooled);
  s.d_z_rows.resize(pooled);
  return s;
}

}  // namespace

Result<BackwardScratch> BackwardScratch::create(const ModelConfig& config, int64_t rows, int workers) {
  BackwardScratch s;
  Allocator allocate;
  allocate_hc(allocate, config, rows, s);
  allocate_attention(allocate, config, rows, s);
  allocate_experts(allocate, config, rows, s);
  if (config.num_nextn_predict_layers > 0) {
    allocate(s.d_embedding, rows, config.hidden_size);
    allocate(s.d_normed, rows * config.hc_mult, config.hidden_size);
  }
  for (int w = 0; w < workers; ++w) {
    s.workers.push_back(make_worker(config));
    allocate_attend(allocate, config, rows, s.workers.back().attend);
  }
  FATHOM_RETURN_IF_ERROR(allocate.status());
  return s;
}

void clear_rows(ThreadPool& pool, MatView<float> m) noexcept {
  parallel_rows(pool, m.rows, [&](int64_t row, int) { std::fill_n(m.row(row), m.cols, 0.0F); });
}

}  // namespace fathom
