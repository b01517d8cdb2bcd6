// SPDX-License-Identifier: MIT
#include "config/claims.h"

#include <algorithm>
#include <cstdio>

#include "base/concat.h"
#include "base/human_units.h"
#include "config/state_bytes.h"

namespace fathom {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }

// The letters of architecture.md, as int64_t.
struct Dims {
  explicit Dims(const ModelConfig& config) noexcept
      : D(config.hidden_size),
        heads(int64_t{config.num_attention_heads} * config.head_dim),
        c(config.head_dim),
        n(config.hc_mult),
        V(config.vocab_size),
        q_rank(config.q_lora_rank),
        groups(config.o_groups),
        o_rank(config.o_lora_rank),
        index_heads(config.index_n_heads),
        index_dim(config.index_head_dim),
        experts(config.n_routed_experts),
        k(config.num_experts_per_tok),
        shared(config.n_shared_experts),
        inter(config.moe_intermediate_size) {}
  int64_t D, heads, c, n, V, q_rank, groups, o_rank, index_heads, index_dim, experts, k, shared, inter;
};

// Adds an FP8 matrix and the scale bytes of its 128 x 128 blocks.
void add_fp8(ParameterCounts& counts, int64_t rows, int64_t cols) noexcept {
  counts.total += rows * cols;
  counts.fp8_bytes += rows * cols + ceil_div(rows, 128) * ceil_div(cols, 128);
}
void add_bf16(ParameterCounts& counts, int64_t elements) noexcept {
  counts.total += elements;
  counts.bf16_bytes += 2 * elements;
}
void add_f32(ParameterCounts& counts, int64_t elements) noexcept {
  counts.total += elements;
  counts.f32_bytes += 4 * elements;
}

void add_attention(ParameterCounts& counts, const Dims& d, const LayerConfig& layer) noexcept {
  add_fp8(counts, d.q_rank, d.D);
  add_fp8(counts, d.heads, d.q_rank);
  add_fp8(counts, d.c, d.D);
  add_fp8(counts, d.groups * d.o_rank, d.heads / d.groups);
  add_fp8(counts, d.D, d.groups * d.o_rank);
  add_bf16(counts, d.q_rank + d.c);
  add_f32(counts, d.heads / d.c);  // sinks
  if (!layer.compressed()) return;
  const int64_t width = layer.compressor_width(static_cast<int>(d.c));
  add_bf16(counts, 2 * d.D * width + d.c);
  add_f32(counts, layer.compress_ratio * width);
  if (layer.kind != LayerKind::kCsa) return;
  add_fp8(counts, d.index_heads * d.index_dim, d.q_rank);
  add_bf16(counts, 4 * d.D * d.index_dim + d.index_dim + d.index_heads * d.D);
  add_f32(counts, int64_t{2} * layer.compress_ratio * d.index_dim);
}

void add_moe(ParameterCounts& counts, const Dims& d, RouterKind router) noexcept {
  add_bf16(counts, d.experts * d.D);
  if (router == RouterKind::kHashed) {
    counts.tid2eid_entries += d.V * d.k;
  } else {
    add_f32(counts, d.experts);
  }
  for (int64_t i = 0; i < d.shared; ++i) {
    add_fp8(counts, d.inter, d.D);
    add_fp8(counts, d.D, d.inter);
    add_fp8(counts, d.inter, d.D);
  }
  counts.routed_experts += d.experts * 3 * d.D * d.inter;
}

double equivalent_fp8(const TokenCost& cost, double index_weight) noexcept {
  return 1.0 * static_cast<double>(cost.linear) + 4.0 * static_cast<double>(cost.small) +
         1.0 * static_cast<double>(cost.head) + 2.0 * static_cast<double>(cost.core) +
         index_weight * static_cast<double>(cost.index);
}

JsonValue integer_object(std::initializer_list<std::pair<const char*, int64_t>> members) {
  JsonValue object = JsonValue::object();
  for (const auto& [key, value] : members) object.set(key, JsonValue::integer(value));
  return object;
}

JsonValue cost_json(const TokenCost& cost) {
  JsonValue flops = integer_object({{"linear", cost.linear},
                                    {"small", cost.small},
                                    {"head", cost.head},
                                    {"core", cost.core},
                                    {"index", cost.index}});
  flops.set("equivalent", JsonValue::number(cost.equivalent));
  JsonValue out = JsonValue::object();
  out.set("flops", std::move(flops));
  out.set("kv_bytes", JsonValue::integer(cost.kv_bytes));
  return out;
}

JsonValue length_json(const ModelConfig& config, int64_t length) {
  const TokenCost own = token_cost(config, length);
  const TokenCost v32 = v32_token_cost(length);
  // Grouped-query attention with 8 heads of 128 in BF16, the usual yardstick of the report.
  const int64_t gqa8 = int64_t{2} * 8 * 128 * 2 * static_cast<int64_t>(config.layers.size()) * length;
  JsonValue out = cost_json(own);
  out.set("v32", cost_json(v32));
  out.set("flops_ratio", JsonValue::number(own.equivalent / v32.equivalent));
  const auto kv_bytes = static_cast<double>(own.kv_bytes);
  out.set("kv_ratio", JsonValue::number(kv_bytes / static_cast<double>(v32.kv_bytes)));
  out.set("kv_ratio_bf16_gqa8", JsonValue::number(kv_bytes / static_cast<double>(gqa8)));
  return out;
}

}  // namespace

ParameterCounts count_parameters(const ModelConfig& config) noexcept {
  const Dims d(config);
  ParameterCounts counts;
  for (const LayerConfig& layer : config.layers) {
    add_bf16(counts, 2 * d.D);
    add_f32(counts, 2 * (config.hc_mix_size() * (d.n * d.D + 1) + 3));
    add_attention(counts, d, layer);
    add_moe(counts, d, layer.router);
  }
  add_bf16(counts, 2 * d.V * d.D + d.D);
  add_f32(counts, d.n * d.n * d.D + d.n + 1);
  counts.total += counts.routed_experts;
  counts.active = counts.total - counts.routed_experts / d.experts * (d.experts - d.k) - d.V * d.D;
  counts.fp4_expert_bytes = counts.routed_experts / 2 + counts.routed_experts / 32;
  counts.tid2eid_bytes = 8 * counts.tid2eid_entries;
  return counts;
}

TokenCost token_cost(const ModelConfig& config, int64_t length) noexcept {
  const Dims d(config);
  TokenCost cost;
  int64_t linear = 0;  // multiply-adds
  int64_t small = 0;
  for (const LayerConfig& layer : config.layers) {
    linear +=
        d.D * d.q_rank + d.q_rank * d.heads + d.D * d.c + d.heads * d.o_rank + d.groups * d.o_rank * d.D;
    linear += (d.k + d.shared) * 3 * d.D * d.inter;
    small += d.D * d.experts + int64_t{2} * config.hc_mix_size() * d.n * d.D;
    int64_t rows = std::min<int64_t>(config.sliding_window, length);
    cost.kv_bytes += rows * deployed_entry_bytes(config);
    if (layer.compressed()) {
      const int64_t entries = length / layer.compress_ratio;
      cost.kv_bytes += entries * deployed_entry_bytes(config);
      small += 2 * d.D * layer.compressor_width(config.head_dim);
      if (layer.kind == LayerKind::kCsa) {
        small += 4 * d.D * d.index_dim + d.D * d.index_heads;
        linear += d.q_rank * d.index_heads * d.index_dim;
        cost.index += 2 * d.index_heads * d.index_dim * entries;
        cost.kv_bytes += entries * deployed_index_key_bytes(config);
        rows += std::min<int64_t>(config.index_topk, entries);
      } else {
        rows += entries;
      }
    }
    cost.core += 2 * rows * 2 * d.heads;
  }
  cost.linear = 2 * linear;
  cost.small = 2 * small;
  cost.head = 2 * d.V * d.D;
  cost.equivalent = equivalent_fp8(cost, 0.5);
  return cost;
}

TokenCost v32_token_cost(int64_t length) noexcept {
  constexpr int64_t kLayers = 61, D = 7168, H = 128, kQRank = 1536, kKvRank = 512, kNope = 128, kRope = 64,
                    kV = 128;
  constexpr int64_t kAttention = D * kQRank + kQRank * H * (kNope + kRope) + D * (kKvRank + kRope) +
                                 kKvRank * H * (kNope + kV) + H * kV * D;
  constexpr int64_t kIndexer = kQRank * 64 * 128 + D * 128 + D * 64;
  constexpr int64_t kFfn =
      D * 3 * 3 * 18432 + D * 58 * 9 * 3 * 2048;  // three dense layers, then 8 + 1 experts
  TokenCost cost;
  cost.linear = 2 * (kLayers * (kAttention + kIndexer) + kFfn);
  cost.small = D * 2 * 58 * 256;
  cost.head = D * 2 * 129280;
  cost.core = kLayers * 2 * H * std::min<int64_t>(2048, length) * (kKvRank + kRope + kKvRank);
  cost.index = kLayers * 2 * 64 * 128 * length;
  cost.equivalent = equivalent_fp8(cost, 1.0);  // its index is FP8
  cost.kv_bytes = kLayers * (656 + 132) * length;
  return cost;
}

JsonValue claims_json(const ModelConfig& config) {
  const ParameterCounts counts = count_parameters(config);
  JsonValue parameters = integer_object({{"total", counts.total},
                                         {"active", counts.active},
                                         {"routed_experts", counts.routed_experts},
                                         {"tid2eid_entries", counts.tid2eid_entries}});
  parameters.set("bytes", integer_object({{"fp4_experts", counts.fp4_expert_bytes},
                                          {"fp8", counts.fp8_bytes},
                                          {"bf16", counts.bf16_bytes},
                                          {"f32", counts.f32_bytes},
                                          {"tid2eid_int64", counts.tid2eid_bytes}}));
  JsonValue lengths = JsonValue::object();
  for (const int64_t length : kClaimLengths) lengths.set(concat(length), length_json(config, length));
  JsonValue out = JsonValue::object();
  out.set("parameters", std::move(parameters));
  out.set("lengths", std::move(lengths));
  return out;
}

std::string claims_text(const ModelConfig& config) {
  const auto giga = [](auto value) { return static_cast<double>(value) / 1e9; };
  const ParameterCounts counts = count_parameters(config);
  std::string text =
      concat("parameters ", human_parameters(counts.total), ", active ", human_parameters(counts.active),
             ", weights in the released formats ", human_bytes(counts.released_bytes()), "\n");
  text +=
      "cost of one decoded token, GFLOP by part; cache of the whole context; next to DeepSeek-V3.2\n"
      "  context |  linear   small    head      core     index |   FP8-equivalent   V3.2   ratio |     cache "
      "     V3.2"
      "   ratio\n";
  for (const int64_t length : kClaimLengths) {
    const TokenCost own = token_cost(config, length);
    const TokenCost v32 = v32_token_cost(length);
    char line[256];
    std::snprintf(
        line, sizeof line,
        "  %7lld | %7.2f %7.2f %7.2f %9.2f %9.2f | %16.2f %6.0f %6.2f%% | %6.3f GB %6.2f GB %6.2f%%\n",
        static_cast<long long>(length), giga(own.linear), giga(own.small), giga(own.head), giga(own.core),
        giga(own.index), giga(own.equivalent), giga(v32.equivalent), 100.0 * own.equivalent / v32.equivalent,
        giga(own.kv_bytes), giga(v32.kv_bytes),
        100.0 * static_cast<double>(own.kv_bytes) / static_cast<double>(v32.kv_bytes));
    text += line;
  }
  return text;
}

}  // namespace fathom
