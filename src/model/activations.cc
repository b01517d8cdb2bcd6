// SPDX-License-Identifier: MIT
#include "model/activations.h"

#include <algorithm>

#include "ops/index_scores.h"
#include "state/row_store.h"

namespace fathom {
namespace {

// Allocates buffers one after the other and remembers the first failure.
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

int max_compressor_width(const ModelConfig& config, int head_dim) {
  int width = 0;
  for (const LayerConfig& layer : config.layers) {
    if (layer.compressed()) width = std::max(width, layer.compressor_width(head_dim));
  }
  return width;
}

int max_pooled_rows(const ModelConfig& config) {
  int rows = 0;
  for (const LayerConfig& layer : config.layers) {
    rows = std::max(rows, (layer.overlap() ? 2 : 1) * layer.compress_ratio);
  }
  return rows;
}

bool has_csa(const ModelConfig& config) {
  return std::any_of(config.layers.begin(), config.layers.end(),
                     [](const LayerConfig& layer) { return layer.kind == LayerKind::kCsa; });
}

void allocate_hc(Allocator& allocate, const ModelConfig& c, int64_t rows, HcActivations& hc) {
  allocate(hc.logits, rows, c.hc_mix_size());
  allocate(hc.pre, rows, c.hc_mult);
  allocate(hc.post, rows, c.hc_mult);
  allocate(hc.comb, rows, c.hc_mult * c.hc_mult);
  allocate(hc.x, rows, c.hidden_size);
  allocate(hc.x_quant, rows, c.hidden_size);
  allocate(hc.y, rows, c.hidden_size);
}

void allocate_attention(Allocator& allocate, const ModelConfig& c, int64_t rows, AttentionActivations& a) {
  const int64_t heads_dim = int64_t{c.num_attention_heads} * c.head_dim;
  allocate(a.q_latent, rows, c.q_lora_rank);
  allocate(a.q_latent_quant, rows, c.q_lora_rank);
  allocate(a.q, rows, heads_dim);
  allocate(a.kv, rows, c.head_dim);
  allocate(a.out, rows, heads_dim);
  allocate(a.latent, rows, int64_t{c.o_groups} * c.o_lora_rank);
  allocate(a.latent_quant, rows, int64_t{c.o_groups} * c.o_lora_rank);
  const int width = max_compressor_width(c, c.head_dim);
  allocate(a.compressor.c, rows, width);
  allocate(a.compressor.z, rows, width);
  if (!has_csa(c)) return;
  allocate(a.index_q, rows, int64_t{c.index_n_heads} * c.index_head_dim);
  allocate(a.index_weights, rows, c.index_n_heads);
  allocate(a.indexer.c, rows, 2 * c.index_head_dim);
  allocate(a.indexer.z, rows, 2 * c.index_head_dim);
  allocate(a.chosen, rows, c.index_topk);
  a.chosen_count.resize(static_cast<size_t>(rows));
}

void allocate_moe(Allocator& allocate, const ModelConfig& c, int64_t rows, MoeActivations& m) {
  const int64_t slots = rows * c.num_experts_per_tok;
  allocate(m.scores, rows, c.n_routed_experts);
  allocate(m.routes, rows, c.num_experts_per_tok);
  allocate(m.slot_row, rows, c.num_experts_per_tok);
  m.expert_begin.resize(static_cast<size_t>(c.n_routed_experts) + 1);
  allocate(m.x, slots, c.hidden_size);
  allocate(m.weight, slots, 1);
  allocate(m.gate, slots, c.moe_intermediate_size);
  allocate(m.up, slots, c.moe_intermediate_size);
  allocate(m.y, slots, c.hidden_size);
  allocate(m.shared_gate, rows, c.shared_intermediate_size());
  allocate(m.shared_up, rows, c.shared_intermediate_size());
  allocate(m.shared_y, rows, c.hidden_size);
}

WorkerScratch make_scratch(const ModelConfig& c) {
  WorkerScratch s;
  s.running_max.resize(c.num_attention_heads);
  s.running_sum.resize(c.num_attention_heads);
  if (has_csa(c)) s.index_query.resize(index_query_room(c.index_n_heads, c.index_head_dim));
  s.index_scores.resize(RowStore::kPageRows);
  s.candidates.resize(has_csa(c) ? 2 * static_cast<size_t>(c.index_topk) : 0);
  s.c_rows.resize(max_pooled_rows(c));
  s.z_rows.resize(max_pooled_rows(c));
  s.rows.resize(static_cast<size_t>(kAttendBlock) *
                static_cast<size_t>(std::max(c.head_dim, c.index_head_dim)));
  s.cos.resize(c.qk_rope_head_dim / 2);
  s.sin.resize(c.qk_rope_head_dim / 2);
  return s;
}

}  // namespace

Result<Activations> Activations::create(const ModelConfig& config, const ActivationSizes& sizes) {
  Activations acts;
  acts.sizes = sizes;
  const int64_t rows = sizes.batch_tokens;
  const int64_t stream_floats = int64_t{config.hc_mult} * config.hidden_size;
  Allocator allocate;
  acts.spans.reserve(static_cast<size_t>(rows));
  acts.positions.resize(static_cast<size_t>(rows));
  acts.row_tokens.resize(static_cast<size_t>(rows));
  for (MatBuf<float>* angles :
       {&acts.window_cos, &acts.window_sin, &acts.compressed_cos, &acts.compressed_sin}) {
    allocate(*angles, rows, config.qk_rope_head_dim / 2);
  }
  allocate(acts.streams, rows, stream_floats);
  if (config.num_nextn_predict_layers > 0) {
    allocate(acts.draft_streams, rows, stream_floats);
    allocate(acts.draft_hidden, rows, stream_floats);
    allocate(acts.draft_logits, sizes.logit_rows, config.vocab_size);
  }
  allocate(acts.embedding, rows, config.hidden_size);
  allocate_hc(allocate, config, rows, acts.hc);
  allocate_attention(allocate, config, rows, acts.attention);
  allocate_moe(allocate, config, rows, acts.moe);
  allocate(acts.hidden, sizes.logit_rows, config.hidden_size);
  allocate(acts.logits, sizes.logit_rows, config.vocab_size);
  FATHOM_RETURN_IF_ERROR(allocate.status());
  for (int worker = 0; worker < sizes.workers; ++worker) acts.scratch.push_back(make_scratch(config));
  return acts;
}

}  // namespace fathom
