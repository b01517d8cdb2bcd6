// SPDX-License-Identifier: MIT
#include "engine/step_cost.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "config/claims.h"
#include "config/state_bytes.h"

namespace fathom {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }

// Collects the bytes of one step by stage.
class ByteCount {
 public:
  ByteCount(const ModelConfig& config, const StoredFormats& formats) : c_(config), f_(formats) {}

  void add_layer(const LayerConfig& layer) noexcept {
    const int64_t d = c_.hidden_size;
    add(Stage::kHyperConnections, WeightFormat::kF32, int64_t{2} * c_.hc_mix_size(), c_.hc_mult * d);
    add_projections(layer);
    add(Stage::kRouter, f_.plain, c_.n_routed_experts, d);
    const int64_t shared = c_.shared_intermediate_size();
    add(Stage::kExperts, f_.dense, shared, d);
    add(Stage::kExperts, f_.dense, d, shared);
    add(Stage::kExperts, f_.dense, shared, d);
  }

  void add_experts(int64_t reads) noexcept {
    const int64_t d = c_.hidden_size;
    const int64_t inter = c_.moe_intermediate_size;
    add_bytes(Stage::kExperts,
              reads * (2 * matrix_bytes(f_.experts, inter, d) + matrix_bytes(f_.experts, d, inter)));
  }

  void add_head() noexcept {
    add(Stage::kHead, WeightFormat::kF32, c_.hc_mult, int64_t{c_.hc_mult} * c_.hidden_size);
    add(Stage::kHead, f_.plain, c_.vocab_size, c_.hidden_size);
  }

  // Rows of the state that the span's last token sees; its other tokens see nearly the same.
  void add_state(const LayerConfig& layer, const SpanShape& span) noexcept {
    const int64_t length = span.position + span.tokens;
    const int64_t entry_bytes = deployed_entry_bytes(c_);
    int64_t rows = std::min<int64_t>(c_.sliding_window, length);
    if (layer.compressed()) {
      const int64_t entries = length / layer.compress_ratio;
      rows += layer.kind == LayerKind::kCsa ? std::min<int64_t>(c_.index_topk, entries) : entries;
      if (layer.kind == LayerKind::kCsa && entries > c_.index_topk)
        add_bytes(Stage::kIndexScan, entries * deployed_index_key_bytes(c_));
    }
    add_bytes(Stage::kAttention, rows * entry_bytes);
  }

  void add_embedding(int64_t tokens) noexcept { add(Stage::kOther, f_.plain, tokens, c_.hidden_size); }

  const std::array<double, kStageCount>& bytes() const noexcept { return bytes_; }

 private:
  void add_bytes(Stage stage, int64_t bytes) noexcept {
    bytes_[static_cast<size_t>(stage)] += static_cast<double>(bytes);
  }
  void add(Stage stage, WeightFormat format, int64_t rows, int64_t cols) noexcept {
    add_bytes(stage, matrix_bytes(format, rows, cols));
  }

  void add_projections(const LayerConfig& layer) noexcept {
    const Stage stage = Stage::kProjections;
    const int64_t d = c_.hidden_size;
    const int64_t heads_width = int64_t{c_.num_attention_heads} * c_.head_dim;
    const int64_t ranks = int64_t{c_.o_groups} * c_.o_lora_rank;
    add(stage, f_.dense, c_.q_lora_rank, d);
    add(stage, f_.dense, heads_width, c_.q_lora_rank);
    add(stage, f_.dense, c_.head_dim, d);
    add(stage, f_.dense, ranks, heads_width / c_.o_groups);
    add(stage, f_.dense, d, ranks);
    if (layer.compressed()) add(stage, f_.plain, int64_t{2} * layer.compressor_width(c_.head_dim), d);
    if (layer.kind != LayerKind::kCsa) return;
    add(stage, f_.dense, int64_t{c_.index_n_heads} * c_.index_head_dim, c_.q_lora_rank);
    add(stage, f_.plain, int64_t{2} * layer.compressor_width(c_.index_head_dim) + c_.index_n_heads, d);
  }

  const ModelConfig& c_;
  const StoredFormats& f_;
  std::array<double, kStageCount> bytes_{};
};

double span_flops(const ModelConfig& config, const SpanShape& span) noexcept {
  double flops = 0.0;
  double head = 0.0;
  for (int64_t i = 0; i < span.tokens; ++i) {
    const TokenCost cost = token_cost(config, span.position + i + 1);
    flops += static_cast<double>(cost.linear + cost.small + cost.core + cost.index);
    head = static_cast<double>(cost.head);
  }
  return flops + head * static_cast<double>(span.logit_rows);
}

}  // namespace

StoredFormats stored_formats(const ModelWeights& weights) noexcept {
  const BlockWeights& first = weights.layers.front();
  return {first.attn.wq_a.format, first.ffn.experts.front().w1.format, weights.head.format};
}

int64_t matrix_bytes(WeightFormat format, int64_t rows, int64_t cols) noexcept {
  switch (format) {
    case WeightFormat::kF32: return rows * cols * 4;
    case WeightFormat::kBf16: return rows * cols * 2;
    case WeightFormat::kFp8E4m3: return rows * cols + ceil_div(rows, 128) * ceil_div(cols, 128);
    case WeightFormat::kFp4E2m1: return rows * cols / 2 + rows * ceil_div(cols, 32);
  }
  return 0;
}

double StepCost::total_bytes() const noexcept { return std::accumulate(bytes.begin(), bytes.end(), 0.0); }

StepCost step_cost(const ModelConfig& config, const StoredFormats& formats, std::span<const SpanShape> spans,
                   int64_t expert_reads) noexcept {
  ByteCount count(config, formats);
  StepCost cost;
  int64_t logit_rows = 0;
  for (const LayerConfig& layer : config.layers) {
    count.add_layer(layer);
    for (const SpanShape& span : spans) count.add_state(layer, span);
  }
  for (const SpanShape& span : spans) {
    count.add_embedding(span.tokens);
    logit_rows += span.logit_rows;
    cost.flops += span_flops(config, span);
  }
  count.add_experts(expert_reads);
  if (logit_rows > 0) count.add_head();
  cost.bytes = count.bytes();
  return cost;
}

double expected_distinct_experts(int64_t experts, int64_t k, int64_t tokens) noexcept {
  const auto e = static_cast<double>(experts);
  return e * (1.0 - std::pow(1.0 - static_cast<double>(k) / e, static_cast<double>(tokens)));
}

}  // namespace fathom
