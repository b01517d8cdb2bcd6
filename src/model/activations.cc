// SPDX-License-Identifier: MIT
#include "model/activations.h"

#include <algorithm>

#include "ops/index_scores.h"
#include "state/row_store.h"

namespace fathom {
namespace {

// What is done with a buffer when its turn comes.
enum class BufferUse : uint8_t { kAllocate, kCount };

// Allocates buffers one after the other and remembers the first failure, or only counts their bytes.
class BufferMaker {
 public:
  explicit BufferMaker(BufferUse use) noexcept : use_(use) {}

  template <typename T>
  void operator()(MatBuf<T>& buf, int64_t rows, int64_t cols) {
    bytes_ += rows * cols * int64_t{sizeof(T)};
    if (use_ == BufferUse::kCount || !status_.ok()) return;
    auto result = MatBuf<T>::allocate(rows, cols);
    if (result.ok()) {
      buf = std::move(result).value();
    } else {
      status_ = result.status();
    }
  }
  template <typename T>
  void operator()(std::vector<T>& buf, int64_t count) {
    bytes_ += count * int64_t{sizeof(T)};
    if (use_ == BufferUse::kAllocate) buf.resize(static_cast<size_t>(count));
  }

  Status status() const { return status_; }
  int64_t bytes() const noexcept { return bytes_; }

 private:
  BufferUse use_;
  int64_t bytes_ = 0;
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

void make_hc(BufferMaker& make, const ModelConfig& c, int64_t rows, HcActivations& hc) {
  make(hc.logits, rows, c.hc_mix_size());
  make(hc.pre, rows, c.hc_mult);
  make(hc.post, rows, c.hc_mult);
  make(hc.comb, rows, c.hc_mult * c.hc_mult);
  make(hc.x, rows, c.hidden_size);
  make(hc.x_quant, rows, c.hidden_size);
  make(hc.y, rows, c.hidden_size);
}

void make_attention(BufferMaker& make, const ModelConfig& c, int64_t rows, AttentionActivations& a) {
  const int64_t heads_dim = int64_t{c.num_attention_heads} * c.head_dim;
  make(a.q_latent, rows, c.q_lora_rank);
  make(a.q_latent_quant, rows, c.q_lora_rank);
  make(a.q, rows, heads_dim);
  make(a.kv, rows, c.head_dim);
  make(a.out, rows, heads_dim);
  make(a.latent, rows, int64_t{c.o_groups} * c.o_lora_rank);
  make(a.latent_quant, rows, int64_t{c.o_groups} * c.o_lora_rank);
  const int width = max_compressor_width(c, c.head_dim);
  make(a.compressor.c, rows, width);
  make(a.compressor.z, rows, width);
  if (!has_csa(c)) return;
  make(a.index_q, rows, int64_t{c.index_n_heads} * c.index_head_dim);
  make(a.index_weights, rows, c.index_n_heads);
  make(a.indexer.c, rows, 2 * c.index_head_dim);
  make(a.indexer.z, rows, 2 * c.index_head_dim);
  make(a.chosen, rows, c.index_topk);
  make(a.chosen_count, rows);
}

void make_moe(BufferMaker& make, const ModelConfig& c, int64_t rows, MoeActivations& m) {
  const int64_t slots = rows * c.num_experts_per_tok;
  make(m.scores, rows, c.n_routed_experts);
  make(m.routes, rows, c.num_experts_per_tok);
  make(m.slot_row, rows, c.num_experts_per_tok);
  make(m.expert_begin, int64_t{c.n_routed_experts} + 1);
  make(m.x, slots, c.hidden_size);
  make(m.weight, slots, 1);
  make(m.gate, slots, c.moe_intermediate_size);
  make(m.up, slots, c.moe_intermediate_size);
  make(m.y, slots, c.hidden_size);
  make(m.shared_gate, rows, c.shared_intermediate_size());
  make(m.shared_up, rows, c.shared_intermediate_size());
  make(m.shared_y, rows, c.hidden_size);
}

void make_scratch(BufferMaker& make, const ModelConfig& c, WorkerScratch& s) {
  make(s.running_max, c.num_attention_heads);
  make(s.running_sum, c.num_attention_heads);
  if (has_csa(c)) {
    make(s.index_query, index_query_room(c.index_n_heads, c.index_head_dim));
    make(s.candidates, int64_t{2} * c.index_topk);
  }
  make(s.index_scores, RowStore::kPageRows);
  make(s.c_rows, max_pooled_rows(c));
  make(s.z_rows, max_pooled_rows(c));
  make(s.rows, int64_t{kAttendBlock} * std::max(c.head_dim, c.index_head_dim));
  make(s.cos, c.qk_rope_head_dim / 2);
  make(s.sin, c.qk_rope_head_dim / 2);
}

// Every buffer of `acts`, in one order for both uses.
void make_activations(BufferMaker& make, const ModelConfig& config, const ActivationSizes& sizes,
                      Activations& acts) {
  const int64_t rows = sizes.batch_tokens;
  const int64_t stream_floats = int64_t{config.hc_mult} * config.hidden_size;
  make(acts.spans, rows);
  make(acts.draft_spans, rows);
  make(acts.positions, rows);
  make(acts.row_tokens, rows);
  for (MatBuf<float>* angles :
       {&acts.window_cos, &acts.window_sin, &acts.compressed_cos, &acts.compressed_sin}) {
    make(*angles, rows, config.qk_rope_head_dim / 2);
  }
  make(acts.streams, rows, stream_floats);
  if (config.num_nextn_predict_layers > 0) {
    make(acts.draft_streams, rows, stream_floats);
    make(acts.draft_hidden, rows, stream_floats);
    make(acts.draft_logits, sizes.logit_rows, config.vocab_size);
  }
  make(acts.embedding, rows, config.hidden_size);
  make_hc(make, config, rows, acts.hc);
  make_attention(make, config, rows, acts.attention);
  make_moe(make, config, rows, acts.moe);
  make(acts.hidden, sizes.logit_rows, config.hidden_size);
  make(acts.logits, sizes.logit_rows, config.vocab_size);
  acts.scratch.resize(static_cast<size_t>(sizes.workers));
  for (WorkerScratch& scratch : acts.scratch) make_scratch(make, config, scratch);
}

}  // namespace

Result<HcActivations> HcActivations::create(const ModelConfig& config, int64_t rows) {
  HcActivations acts;
  BufferMaker make(BufferUse::kAllocate);
  make_hc(make, config, rows, acts);
  FATHOM_RETURN_IF_ERROR(make.status());
  return acts;
}

Result<AttentionActivations> AttentionActivations::create(const ModelConfig& config, int64_t rows) {
  AttentionActivations acts;
  BufferMaker make(BufferUse::kAllocate);
  make_attention(make, config, rows, acts);
  FATHOM_RETURN_IF_ERROR(make.status());
  return acts;
}

Result<MoeActivations> MoeActivations::create(const ModelConfig& config, int64_t rows) {
  MoeActivations acts;
  BufferMaker make(BufferUse::kAllocate);
  make_moe(make, config, rows, acts);
  FATHOM_RETURN_IF_ERROR(make.status());
  return acts;
}

Result<Activations> Activations::create(const ModelConfig& config, const ActivationSizes& sizes) {
  Activations acts;
  acts.sizes = sizes;
  BufferMaker make(BufferUse::kAllocate);
  make_activations(make, config, sizes, acts);
  FATHOM_RETURN_IF_ERROR(make.status());
  return acts;
}

int64_t Activations::bytes_for(const ModelConfig& config, const ActivationSizes& sizes) {
  Activations acts;
  BufferMaker make(BufferUse::kCount);
  make_activations(make, config, sizes, acts);
  return make.bytes();
}

}  // namespace fathom
