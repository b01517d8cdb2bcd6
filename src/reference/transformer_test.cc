// SPDX-License-Identifier: MIT
// The whole forward on random weights: number types, causality, window, MTP (architecture.md 2-7).
#include "reference/transformer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "reference/number.h"

namespace fathom::reference {
namespace {

constexpr int kVocab = 29;

// One layer of each kind, the first one hashed, small odd sizes.
ModelConfig small_config() {
  ModelConfig config;
  config.vocab_size = kVocab;
  config.hidden_size = 10;
  config.num_attention_heads = 2;
  config.head_dim = 6;
  config.qk_rope_head_dim = 4;
  config.q_lora_rank = 5;
  config.o_groups = 2;
  config.o_lora_rank = 3;
  config.index_n_heads = 3;
  config.index_head_dim = 8;
  config.index_topk = 2;
  config.n_routed_experts = 4;
  config.n_shared_experts = 1;
  config.num_experts_per_tok = 2;
  config.moe_intermediate_size = 7;
  config.num_hash_layers = 1;
  config.sliding_window = 3;
  config.hc_mult = 3;
  config.hc_sinkhorn_iters = 4;
  config.hc_eps = 1e-6;
  config.rms_norm_eps = 1e-6;
  config.swiglu_limit = 2.0;
  config.num_nextn_predict_layers = 1;
  config.layers.resize(3);
  config.layers[0].router = RouterKind::kHashed;
  config.layers[1].kind = LayerKind::kCsa;
  config.layers[1].compress_ratio = 4;
  config.layers[2].kind = LayerKind::kHca;
  config.layers[2].compress_ratio = 5;
  config.num_hidden_layers = 3;
  return config;
}

// Random weights of a config's shapes; the same seed gives the same values for every number type.
template <typename T>
class WeightsMaker {
 public:
  WeightsMaker(const ModelConfig& config, uint32_t seed) : config_(config), random_(seed) {}

  Weights<T> make() {
    const int64_t d = config_.hidden_size;
    Weights<T> w{matrix(kVocab, d, 1.0), matrix(kVocab, d, 1.0), vector(d), hc(config_.hc_mult, 1), {}, {}};
    for (const LayerConfig& layer : config_.layers) w.layers.push_back(block(layer));
    w.mtp = {block(config_.mtp_layer), linear(d, d), linear(d, d), vector(d), vector(d), vector(d),
             hc(config_.hc_mult, 1)};
    return w;
  }

 private:
  T value(double size) { return T(Real<T>(size * normal_(random_))); }
  Matrix<T> matrix(int64_t rows, int64_t cols, double size) {
    Matrix<T> m(rows, cols);
    for (T& v : m.data) v = value(size);
    return m;
  }
  Matrix<T> matrix(int64_t rows, int64_t cols) {
    return matrix(rows, cols, 1 / std::sqrt(static_cast<double>(cols)));
  }
  LinearWeights<T> linear(int64_t rows, int64_t cols) { return {matrix(rows, cols), true}; }
  std::vector<T> vector(int64_t size) {
    std::vector<T> v(static_cast<size_t>(size));
    for (T& x : v) x = T(1) + value(0.2);
    return v;
  }
  HyperConnectionWeights<T> hc(int64_t rows, int64_t scales) {
    return {matrix(rows, config_.hc_mult * config_.hidden_size), vector(rows), vector(scales)};
  }
  CompressorWeights<T> compressor(const LayerConfig& layer, int head_dim) {
    const int64_t width = layer.compressor_width(head_dim);
    return {matrix(width, config_.hidden_size), matrix(width, config_.hidden_size),
            matrix(layer.compress_ratio, width), vector(head_dim)};
  }
  AttentionWeights<T> attention(const LayerConfig& layer) {
    AttentionWeights<T> w;
    const int64_t heads_width = config_.num_attention_heads * config_.head_dim;
    w.wq_a = linear(config_.q_lora_rank, config_.hidden_size);
    w.wq_b = linear(heads_width, config_.q_lora_rank);
    w.wkv = linear(config_.head_dim, config_.hidden_size);
    for (int g = 0; g < config_.o_groups; ++g) {
      w.wo_a.push_back(matrix(config_.o_lora_rank, heads_width / config_.o_groups));
    }
    w.wo_b = linear(config_.hidden_size, config_.o_groups * config_.o_lora_rank);
    w.q_norm = vector(config_.q_lora_rank);
    w.kv_norm = vector(config_.head_dim);
    w.attn_sink = vector(config_.num_attention_heads);
    if (layer.compressed()) w.compressor = compressor(layer, config_.head_dim);
    if (layer.kind == LayerKind::kCsa) {
      w.indexer = {linear(config_.index_n_heads * config_.index_head_dim, config_.q_lora_rank),
                   matrix(config_.index_n_heads, config_.hidden_size),
                   compressor(layer, config_.index_head_dim)};
    }
    return w;
  }
  ExpertWeights<T> expert() {
    const int64_t inter = config_.moe_intermediate_size;
    return {linear(inter, config_.hidden_size), linear(config_.hidden_size, inter),
            linear(inter, config_.hidden_size)};
  }
  BlockWeights<T> block(const LayerConfig& layer) {
    BlockWeights<T> w{hc(config_.hc_mix_size(), 3),
                      hc(config_.hc_mix_size(), 3),
                      vector(config_.hidden_size),
                      vector(config_.hidden_size),
                      attention(layer),
                      {}};
    w.ffn.gate = matrix(config_.n_routed_experts, config_.hidden_size);
    if (layer.router == RouterKind::kHashed) {
      w.ffn.tid2eid = Matrix<int32_t>(kVocab, 2);
      for (int64_t id = 0; id < kVocab; ++id) {
        w.ffn.tid2eid.at(id, 0) = static_cast<int32_t>(id % 4);
        w.ffn.tid2eid.at(id, 1) = static_cast<int32_t>((id + 1) % 4);
      }
    } else {
      w.ffn.bias = vector(config_.n_routed_experts);
    }
    for (int e = 0; e < config_.n_routed_experts; ++e) w.ffn.experts.push_back(expert());
    w.ffn.shared_experts = expert();
    return w;
  }

  const ModelConfig& config_;
  std::mt19937 random_;
  std::normal_distribution<double> normal_;
};

template <typename T>
Weights<T> small_weights(const ModelConfig& config) {
  return WeightsMaker<T>(config, 3).make();
}

std::vector<int32_t> some_tokens(int count) {
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int t = 0; t < count; ++t) tokens[t] = (t * 11 + t * t) % kVocab;
  return tokens;
}

// Without the round trips nothing but float32's own rounding separates the two: about a hundred operations
// deep.
TEST(Transformer, FloatAndDoubleAgree) {
  const ModelConfig config = small_config();
  const std::vector<int32_t> tokens = some_tokens(23);
  const Options options{.rounding = Rounding::kNone, .mtp = true, .trace = true};
  const Output<float> single = forward(config, small_weights<float>(config), tokens, options);
  const Output<double> exact = forward(config, small_weights<double>(config), tokens, options);
  for (size_t i = 0; i < exact.logits.data.size(); ++i)
    EXPECT_NEAR(single.logits.data[i], exact.logits.data[i], 1e-4);
  for (size_t i = 0; i < exact.mtp_logits.data.size(); ++i) {
    EXPECT_NEAR(single.mtp_logits.data[i], exact.mtp_logits.data[i], 1e-4);
  }
  for (size_t layer = 0; layer < 3; ++layer) {
    EXPECT_EQ(single.choices[layer].experts.data, exact.choices[layer].experts.data) << "layer " << layer;
    EXPECT_EQ(single.choices[layer].entries.entries.data, exact.choices[layer].entries.entries.data);
  }
}

TEST(Transformer, ShapesOfTheOutputAreAsDocumented) {
  const ModelConfig config = small_config();
  const Output<double> out =
      forward(config, small_weights<double>(config), some_tokens(9), {.mtp = true, .trace = true});
  EXPECT_EQ(out.logits.rows, 9);
  EXPECT_EQ(out.logits.cols, kVocab);
  EXPECT_EQ(out.mtp_logits.rows, 8);
  ASSERT_EQ(out.streams.size(), 4u);
  EXPECT_EQ(out.streams[0].cols, 3 * 10);
  EXPECT_EQ(out.choices[1].entries.entries.cols, 2);  // 9 tokens close two entries
  EXPECT_EQ(out.choices[1].entries.entries.at(2, 0), -1);
  EXPECT_EQ(out.choices[1].entries.entries.at(3, 0), 0);
  ASSERT_TRUE(out.mtp_choices.has_value());
  EXPECT_EQ(out.mtp_choices->experts.rows, 8);
}

// Causal: a sequence's first rows are the forward of its prefix, to the bit; MTP rows too.
TEST(Transformer, APrefixHasTheSameRows) {
  const ModelConfig config = small_config();
  const Weights<double> w = small_weights<double>(config);
  const std::vector<int32_t> tokens = some_tokens(17);
  const Output<double> whole = forward(config, w, tokens, {.mtp = true});
  for (const int length : {1, 3, 4, 5, 8, 16}) {
    const Output<double> prefix = forward(config, w, std::span(tokens).first(length), {.mtp = true});
    for (size_t i = 0; i < prefix.logits.data.size(); ++i) {
      ASSERT_EQ(prefix.logits.data[i], whole.logits.data[i]) << "length " << length;
    }
    for (size_t i = 0; i < prefix.mtp_logits.data.size(); ++i) {
      ASSERT_EQ(prefix.mtp_logits.data[i], whole.mtp_logits.data[i]) << "length " << length;
    }
  }
}

// One window layer, W = 3: token t sees t-2, t-1 and t.
TEST(Transformer, TheWindowHoldsTheTokenItselfAndItsPredecessors) {
  ModelConfig config = small_config();
  config.layers.resize(1);
  const Weights<double> w = small_weights<double>(config);
  std::vector<int32_t> tokens = some_tokens(8);
  const Output<double> before = forward(config, w, tokens, {});
  tokens[2] = (tokens[2] + 1) % kVocab;
  const Output<double> after = forward(config, w, tokens, {});
  for (int t = 0; t < 8; ++t) {
    EXPECT_EQ(before.logits.at(t, 0) != after.logits.at(t, 0), t >= 2 && t <= 4) << "token " << t;
  }
}

TEST(Transformer, RoundTripsChangeTheValues) {
  const ModelConfig config = small_config();
  const Weights<double> w = small_weights<double>(config);
  EXPECT_NE(forward(config, w, some_tokens(4), {}).logits.data,
            forward(config, w, some_tokens(4), {.rounding = Rounding::kNone}).logits.data);
}

// The complex step gives the derivative to machine precision; a central difference to about h^2.
TEST(Transformer, TheComplexStepIsTheDerivative) {
  const ModelConfig config = small_config();
  const std::vector<int32_t> tokens = some_tokens(13);
  const Options exact{.rounding = Rounding::kNone};
  const auto logit_sum = [](const auto& out) {
    return std::accumulate(out.logits.data.begin(), out.logits.data.end(),
                           typename std::decay_t<decltype(out.logits.data)>::value_type(0));
  };
  Weights<Complex> w = small_weights<Complex>(config);
  w.layers[1].attn.compressor->wgate.at(3, 2) += Complex(0, 1e-30);
  const double derivative = logit_sum(forward(config, w, tokens, exact)).imag() / 1e-30;

  Weights<double> moved = small_weights<double>(config);
  double& weight = moved.layers[1].attn.compressor->wgate.at(3, 2);
  const double at = weight;
  constexpr double kStep = 1e-5;
  weight = at + kStep;
  const double up = logit_sum(forward(config, moved, tokens, exact));
  weight = at - kStep;
  const double down = logit_sum(forward(config, moved, tokens, exact));
  EXPECT_NE(derivative, 0.0);
  EXPECT_NEAR(derivative, (up - down) / (2 * kStep), 1e-5 * std::fabs(derivative) + 1e-8);
}

}  // namespace
}  // namespace fathom::reference
