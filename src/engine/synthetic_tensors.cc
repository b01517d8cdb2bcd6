// SPDX-License-Identifier: MIT
#include "engine/synthetic_tensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/concat.h"
#include "base/counter_rng.h"
#include "base/thread_pool.h"
#include "numeric/bf16.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"

namespace fathom {
namespace {

constexpr int64_t kDraws = 65536;     // of 16 bits
constexpr int64_t kDrawsPerWord = 4;  // of 64 random bits
constexpr double kFp8Sigma = 64.0;    // the largest draw, 4.3 sigma, stays below 448
constexpr double kFp4Sigma = 2.0;     // the tail reaches 6

constexpr int64_t ceil_div(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }

// Collects the tensors of a config.
class TensorList {
 public:
  explicit TensorList(const ModelConfig& config) : c_(config) {}

  std::vector<SyntheticTensor> collect() {
    const int64_t d = c_.hidden_size;
    bf16("embed.weight", {c_.vocab_size, d}, 1.0);
    for (size_t i = 0; i < c_.layers.size(); ++i) block(concat("layers.", i, "."), c_.layers[i]);
    hyper_connection("hc_head", c_.hc_mult, 1);
    norm("norm.weight", d);
    bf16("head.weight", {c_.vocab_size, d}, inverse_root(d));
    std::ranges::stable_sort(tensors_, std::greater(),
                             [](const SyntheticTensor& t) { return dtype_bytes(t.dtype); });
    return std::move(tensors_);
  }

 private:
  static double inverse_root(int64_t n) noexcept { return 1.0 / std::sqrt(static_cast<double>(n)); }

  void f32(std::string name, std::vector<int64_t> shape, double sigma, double mean = 0.0) {
    tensors_.push_back(
        {std::move(name), Dtype::kF32, std::move(shape), SyntheticValues::kNormal, sigma, mean});
  }
  void bf16(std::string name, std::vector<int64_t> shape, double sigma, double mean = 0.0) {
    tensors_.push_back(
        {std::move(name), Dtype::kBf16, std::move(shape), SyntheticValues::kNormal, sigma, mean});
  }
  void norm(std::string name, int64_t size) { bf16(std::move(name), {size}, 0.1, 1.0); }

  void fp8(const std::string& stem, int64_t rows, int64_t cols) {
    const double sigma = inverse_root(cols);
    tensors_.push_back({stem + ".weight", Dtype::kF8E4M3, {rows, cols}, SyntheticValues::kFp8Codes, sigma});
    tensors_.push_back({stem + ".scale",
                        Dtype::kF8E8M0,
                        {ceil_div(rows, 128), ceil_div(cols, 128)},
                        SyntheticValues::kFp8Scales,
                        sigma});
  }
  void fp4(const std::string& stem, int64_t rows, int64_t cols) {
    const double sigma = inverse_root(cols);
    tensors_.push_back({stem + ".weight", Dtype::kI8, {rows, cols / 2}, SyntheticValues::kFp4Pairs, sigma});
    tensors_.push_back(
        {stem + ".scale", Dtype::kF8E8M0, {rows, cols / 32}, SyntheticValues::kFp4Scales, sigma});
  }

  void hyper_connection(const std::string& stem, int64_t rows, int64_t scales) {
    const int64_t width = int64_t{c_.hc_mult} * c_.hidden_size;
    f32(stem + "_fn", {rows, width}, inverse_root(width));
    f32(stem + "_base", {rows}, 0.5);
    f32(stem + "_scale", {scales}, 0.1, 0.5);
  }

  void compressor(const std::string& p, const LayerConfig& layer, int head_dim) {
    const int64_t d = c_.hidden_size;
    const int64_t width = layer.compressor_width(head_dim);
    bf16(p + "wkv.weight", {width, d}, inverse_root(d));
    bf16(p + "wgate.weight", {width, d}, inverse_root(d));
    f32(p + "ape", {layer.compress_ratio, width}, 0.5);
    norm(p + "norm.weight", head_dim);
  }

  void attention(const std::string& p, const LayerConfig& layer) {
    const int64_t d = c_.hidden_size;
    const int64_t heads_width = int64_t{c_.num_attention_heads} * c_.head_dim;
    const int64_t ranks = int64_t{c_.o_groups} * c_.o_lora_rank;
    fp8(p + "wq_a", c_.q_lora_rank, d);
    norm(p + "q_norm.weight", c_.q_lora_rank);
    fp8(p + "wq_b", heads_width, c_.q_lora_rank);
    fp8(p + "wkv", c_.head_dim, d);
    norm(p + "kv_norm.weight", c_.head_dim);
    f32(p + "attn_sink", {c_.num_attention_heads}, 1.0);
    fp8(p + "wo_a", ranks, heads_width / c_.o_groups);
    fp8(p + "wo_b", d, ranks);
    if (layer.compressed()) compressor(p + "compressor.", layer, c_.head_dim);
    if (layer.kind != LayerKind::kCsa) return;
    fp8(p + "indexer.wq_b", int64_t{c_.index_n_heads} * c_.index_head_dim, c_.q_lora_rank);
    bf16(p + "indexer.weights_proj.weight", {c_.index_n_heads, d}, inverse_root(d));
    compressor(p + "indexer.compressor.", layer, c_.index_head_dim);
  }

  void experts(const std::string& p, RouterKind router) {
    const int64_t d = c_.hidden_size;
    bf16(p + "gate.weight", {c_.n_routed_experts, d}, inverse_root(d));
    if (router == RouterKind::kHashed) {
      tensors_.push_back({p + "gate.tid2eid",
                          Dtype::kI64,
                          {c_.vocab_size, c_.num_experts_per_tok},
                          SyntheticValues::kExpertTable});
    } else {
      f32(p + "gate.bias", {c_.n_routed_experts}, 0.01);
    }
    for (int e = 0; e < c_.n_routed_experts; ++e) {
      const std::string expert = concat(p, "experts.", e, ".");
      fp4(expert + "w1", c_.moe_intermediate_size, d);
      fp4(expert + "w2", d, c_.moe_intermediate_size);
      fp4(expert + "w3", c_.moe_intermediate_size, d);
    }
    fp8(p + "shared_experts.w1", c_.shared_intermediate_size(), d);
    fp8(p + "shared_experts.w2", d, c_.shared_intermediate_size());
    fp8(p + "shared_experts.w3", c_.shared_intermediate_size(), d);
  }

  void block(const std::string& p, const LayerConfig& layer) {
    norm(p + "attn_norm.weight", c_.hidden_size);
    norm(p + "ffn_norm.weight", c_.hidden_size);
    hyper_connection(p + "hc_attn", c_.hc_mix_size(), 3);
    hyper_connection(p + "hc_ffn", c_.hc_mix_size(), 3);
    attention(p + "attn.", layer);
    experts(p + "ffn.", layer.router);
  }

  const ModelConfig& c_;
  std::vector<SyntheticTensor> tensors_;
};

// The middles of kDraws equally likely pieces of the standard normal, ascending: Newton's method from the one
// before, on the probability of exceeding x.
std::vector<float> normal_quantiles() {
  std::vector<float> quantiles(kDraws);
  double x = 0.0;
  for (int64_t i = kDraws / 2; i < kDraws; ++i) {
    const double above = 1.0 - (static_cast<double>(i) + 0.5) / static_cast<double>(kDraws);
    for (int step = 0; step < 4; ++step) {
      const double excess = 0.5 * std::erfc(x / std::sqrt(2.0)) - above;
      x += excess * std::sqrt(2.0 * M_PI) * std::exp(0.5 * x * x);
    }
    quantiles[i] = static_cast<float>(x);
    quantiles[kDraws - 1 - i] = -quantiles[i];
  }
  return quantiles;
}

// FNV-1a: a tensor's own stream of random numbers.
uint64_t stream_key(uint64_t seed, std::string_view name) noexcept {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3U;
  return mix_bits(hash ^ mix_bits(seed));
}

// Element i of [begin, end), begin a multiple of kDrawsPerWord, gets of(its 16 random bits).
template <typename T, typename Of>
void draw_each(uint64_t key, std::span<std::byte> bytes, PartRange part, const Of& of) noexcept {
  for (int64_t i = part.begin; i < part.end; i += kDrawsPerWord) {
    uint64_t word = random_bits(key, static_cast<uint64_t>(i / kDrawsPerWord));
    T values[kDrawsPerWord];
    for (T& value : values) {
      value = of(static_cast<uint16_t>(word));
      word >>= 16;
    }
    const auto count = static_cast<size_t>(std::min(kDrawsPerWord, part.end - i));
    std::memcpy(bytes.data() + static_cast<size_t>(i) * sizeof(T), values, count * sizeof(T));
  }
}

}  // namespace

int64_t SyntheticTensor::elements() const noexcept {
  int64_t count = 1;
  for (const int64_t dim : shape) count *= dim;
  return count;
}

std::vector<SyntheticTensor> synthetic_tensors(const ModelConfig& config) {
  FATHOM_CHECK(config.quantized && config.expert_dtype == ExpertDtype::kFp4);
  FATHOM_CHECK(config.num_nextn_predict_layers == 0);
  return TensorList(config).collect();
}

SyntheticFiller::SyntheticFiller(const ModelConfig& config)
    : experts_(config.n_routed_experts),
      experts_per_token_(config.num_experts_per_tok),
      normal_(normal_quantiles()),
      fp8_codes_(kDraws),
      fp4_pairs_(kDraws) {
  for (int64_t i = 0; i < kDraws; ++i) {
    fp8_codes_[i] = float_to_fp8_e4m3(normal_[i] * static_cast<float>(kFp8Sigma));
    // Each half of the bits picks one of 256 equally likely pieces.
    const float low = normal_[(i % 256) * 256 + 128];
    const float high = normal_[(i / 256) * 256 + 128];
    fp4_pairs_[i] = static_cast<uint8_t>(float_to_fp4_e2m1(low * static_cast<float>(kFp4Sigma)) |
                                         float_to_fp4_e2m1(high * static_cast<float>(kFp4Sigma)) << 4);
  }
}

// Tokens [begin, end): an evenly spread set of experts, from a random first one and a random step.
void SyntheticFiller::fill_expert_table(uint64_t key, std::span<std::byte> bytes, int64_t begin,
                                        int64_t end) const noexcept {
  const int64_t max_step =
      std::max<int64_t>(1, (experts_ - 1) / std::max<int64_t>(1, experts_per_token_ - 1));
  for (int64_t token = begin; token < end; ++token) {
    const uint64_t word = random_bits(key, static_cast<uint64_t>(token));
    const auto first = static_cast<int64_t>((word & 0xffffffffU) % static_cast<uint64_t>(experts_));
    const auto step = static_cast<int64_t>((word >> 32) % static_cast<uint64_t>(max_step)) + 1;
    for (int64_t slot = 0; slot < experts_per_token_; ++slot) {
      const int64_t expert = (first + slot * step) % experts_;
      std::memcpy(bytes.data() + static_cast<size_t>(token * experts_per_token_ + slot) * sizeof expert,
                  &expert, sizeof expert);
    }
  }
}

void SyntheticFiller::fill(const SyntheticTensor& tensor, uint64_t seed, std::span<std::byte> bytes, int part,
                           int parts) const noexcept {
  const uint64_t key = stream_key(seed, tensor.name);
  const PartRange range = part_range(tensor.elements(), part, parts, kDrawsPerWord);
  const auto normal = [&](uint16_t bits) {
    return static_cast<float>(tensor.mean + tensor.sigma * normal_[bits]);
  };
  const auto scale_near = [&](double code_sigma) {
    const auto middle = static_cast<int>(127 + std::lround(std::log2(tensor.sigma / code_sigma)));
    draw_each<uint8_t>(key, bytes, range, [&](uint16_t bits) {
      const int quarter = bits >> 14;
      return static_cast<uint8_t>(middle + (quarter == 3 ? 1 : 0) - (quarter == 0 ? 1 : 0));
    });
  };
  switch (tensor.values) {
    case SyntheticValues::kNormal:
      if (tensor.dtype == Dtype::kF32) {
        draw_each<float>(key, bytes, range, normal);
      } else {
        draw_each<uint16_t>(key, bytes, range, [&](uint16_t bits) { return float_to_bf16(normal(bits)); });
      }
      return;
    case SyntheticValues::kFp8Codes:
      draw_each<uint8_t>(key, bytes, range, [&](uint16_t bits) { return fp8_codes_[bits]; });
      return;
    case SyntheticValues::kFp4Pairs:
      draw_each<uint8_t>(key, bytes, range, [&](uint16_t bits) { return fp4_pairs_[bits]; });
      return;
    case SyntheticValues::kFp8Scales: scale_near(kFp8Sigma); return;
    case SyntheticValues::kFp4Scales: scale_near(kFp4Sigma); return;
    case SyntheticValues::kExpertTable: {
      const PartRange tokens = part_range(tensor.shape[0], part, parts);
      fill_expert_table(key, bytes, tokens.begin, tokens.end);
      return;
    }
  }
}

}  // namespace fathom
