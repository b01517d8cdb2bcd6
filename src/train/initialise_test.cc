// SPDX-License-Identifier: MIT
// Initial values, tables of hash layers and quantised shadows (training.md 6 to 8).
#include "train/initialise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "train/dequantise.h"
#include "train/hash_table.h"

namespace fathom {
namespace {

ModelConfig small_config() {
  ModelConfig c;
  c.vocab_size = 64;
  c.hidden_size = 64;
  c.num_hidden_layers = 2;
  c.num_attention_heads = 2;
  c.head_dim = 16;
  c.qk_rope_head_dim = 4;
  c.q_lora_rank = 160;  // more than one block of 128
  c.o_groups = 2;
  c.o_lora_rank = 8;
  c.index_n_heads = 2;
  c.index_head_dim = 16;
  c.index_topk = 2;
  c.n_routed_experts = 4;
  c.n_shared_experts = 1;
  c.num_experts_per_tok = 2;
  c.moe_intermediate_size = 32;
  c.sliding_window = 4;
  c.hc_mult = 3;
  c.hc_sinkhorn_iters = 2;
  c.layers.resize(2);
  c.layers[0].router = RouterKind::kHashed;
  c.layers[1].kind = LayerKind::kCsa;
  c.layers[1].compress_ratio = 4;
  return c;
}

ParameterSet made(const ModelConfig& config, uint64_t seed, QuantisationAware formats = {}) {
  ParameterSet set = ParameterSet::create(config, DraftModule::kAbsent, formats).value();
  initialise(config, seed, set);
  return set;
}

double deviation(const Parameter& p) {
  double sum = 0.0;
  for (int64_t i = 0; i < p.size(); ++i) sum += static_cast<double>(p.master.data()[i]) * p.master.data()[i];
  return std::sqrt(sum / static_cast<double>(p.size()));
}

TEST(Initialise, MatricesAreNormalAndTheRestIsAsTheTableSays) {
  const ModelConfig config = small_config();
  ParameterSet set = made(config, 7);
  // 4,096 values: the sample's deviation lies within 5 % of the distribution's.
  EXPECT_NEAR(deviation(*set.find("embed.weight")), 0.02, 0.001);
  EXPECT_NEAR(deviation(*set.find("layers.0.ffn.experts.1.w2.weight")), 0.02, 0.002);
  EXPECT_NEAR(deviation(*set.find("layers.1.hc_ffn_fn")), 0.02, 0.001);
  EXPECT_EQ(set.find("layers.1.attn.indexer.compressor.norm.weight")->master.data()[0], 1.0F);
  EXPECT_EQ(set.find("layers.0.hc_attn_scale")->master.data()[2], 0.01F);
  EXPECT_EQ(deviation(*set.find("layers.1.ffn.gate.bias")), 0.0);
  EXPECT_EQ(deviation(*set.find("layers.1.attn.compressor.ape")), 0.0);
  const float* base = set.find("layers.1.hc_attn_base")->master.data();
  const std::vector<float> want = {1, -1, -1, 0, 0, 0, 0, -8, -8, -8, 0, -8, -8, -8, 0};
  EXPECT_TRUE(std::equal(want.begin(), want.end(), base));
}

TEST(Initialise, ATensorsValuesDependOnItsNameAndTheSeedOnly) {
  ModelConfig config = small_config();
  ParameterSet two_layers = made(config, 7);
  ParameterSet other_seed = made(config, 8);
  config.layers.resize(1);
  config.num_hidden_layers = 1;
  ParameterSet one_layer = made(config, 7);
  const auto values = [](ParameterSet& set) {
    const Parameter& p = *set.find("layers.0.attn.wq_a.weight");
    return std::vector<float>(p.master.data(), p.master.data() + p.size());
  };
  EXPECT_EQ(values(two_layers), values(one_layer));
  EXPECT_NE(values(two_layers), values(other_seed));
}

// What the products read is what backward reads: codes and scales give the shadow's values, and the shadow is
// close to the master.
TEST(Shadow, CodesAndValuesAgree) {
  ParameterSet set = made(small_config(), 7, {.fp8 = true, .fp4 = true});
  int compared = 0;
  for (const Parameter& p : set.parameters) {
    if (!p.quantised()) continue;
    ++compared;
    const bool fp8 = p.format == WeightFormat::kFp8E4m3;
    const WeightView view{.format = p.format,
                          .block = fp8 ? ScaleBlock{128, 128} : ScaleBlock{1, 32},
                          .data = p.codes.data(),
                          .scales = p.scales.data(),
                          .rows = p.rows(),
                          .cols = p.cols()};
    auto values = MatBuf<float>::allocate(p.rows(), p.cols()).value();
    dequantise(view, values.view());
    EXPECT_EQ(std::memcmp(values.data(), p.shadow.data(), values.size_bytes()), 0) << p.name;
    float largest = 0.0F;
    float worst = 0.0F;
    for (int64_t i = 0; i < p.size(); ++i) {
      largest = std::max(largest, std::fabs(p.master.data()[i]));
      worst = std::max(worst, std::fabs(p.master.data()[i] - p.shadow.data()[i]));
    }
    // Half a step of the widest interval: 1/16 of a power of two for e4m3, 1 of 6 for e2m1.
    EXPECT_LE(worst, largest * (fp8 ? 1.0F / 16 : 1.0F / 3)) << p.name;
  }
  EXPECT_GT(compared, 20);
}

TEST(HashTable, LoadsAreEqualAndIdsDistinct) {
  std::vector<int64_t> counts(500);
  for (size_t id = 0; id < counts.size(); ++id) counts[id] = static_cast<int64_t>(2000 / (id + 10));
  auto table = MatBuf<int32_t>::allocate(500, 3).value();
  fill_expert_table(counts, 16, table.view());
  std::vector<int64_t> load(16, 0);
  for (int64_t id = 0; id < 500; ++id) {
    const auto row = table.view().row_span(id);
    EXPECT_EQ(std::set<int32_t>(row.begin(), row.end()).size(), 3u);
    for (const int32_t expert : row) load[static_cast<size_t>(expert)] += counts[static_cast<size_t>(id)] + 1;
  }
  const auto [least, most] = std::minmax_element(load.begin(), load.end());
  EXPECT_LE(static_cast<double>(*most), 1.01 * static_cast<double>(*least));
}

// Counts 5, 1, 1 on two experts, one each: the first id takes expert 0, the others expert 1.
TEST(HashTable, FrequentIdsChooseFirst) {
  auto table = MatBuf<int32_t>::allocate(3, 1).value();
  fill_expert_table(std::vector<int64_t>{1, 5, 1}, 2, table.view());
  EXPECT_EQ(table.view().at(1, 0), 0);
  EXPECT_EQ(table.view().at(0, 0), 1);
  EXPECT_EQ(table.view().at(2, 0), 1);
}

}  // namespace
}  // namespace fathom
