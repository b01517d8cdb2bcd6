// SPDX-License-Identifier: MIT
#include "engine/step_cost.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "engine/synthetic_model.h"

namespace fathom {
namespace {

double bytes_of(const StepCost& cost, Stage stage) { return cost.bytes[static_cast<size_t>(stage)]; }

ModelConfig tiny_config() {
  return std::move(parse_model_config_text(*synthetic_config_text("tiny"))).value();
}

ModelConfig fixture_config(const std::string& name) {
  std::ifstream in(std::string(FATHOM_SOURCE_DIR) + "/tests/fixtures/configs/" + name);
  std::stringstream text;
  text << in.rdbuf();
  return std::move(parse_model_config_text(text.str())).value();
}

// tiny: D 256, 4 heads x 64 (32 rotated), q rank 128, 2 groups of rank 64, layers window, CSA 4, HCA 128, CSA
// 4, window; indexer 4 x 64, top 16; 8 experts of 128, 2 chosen, 1 shared; vocabulary 512; 4 streams.
TEST(StepCost, BytesOfATokenOfTinyAreTheHandWorkedOnes) {
  const SpanShape span{.position = 64, .tokens = 1, .logit_rows = 1};
  const StepCost cost = step_cost(tiny_config(), {}, {&span, 1}, 5 * 2);
  // FP8 with scales: wq_a 128x256+2, wq_b 256x128+2, wkv 64x256+2, wo_a 128x128+1, wo_b 256x128+2.
  const double layer = 32770 + 32770 + 16386 + 16385 + 32770;
  // BF16 compressor 2x128 rows, FP8 index wq_b 256x128+2, BF16 index compressor 2x128 and 4 head weights.
  const double csa = 2 * 256 * 256 + 32770 + 2 * 260 * 256;
  const double hca = 2 * 128 * 256;
  EXPECT_EQ(bytes_of(cost, Stage::kProjections), 5 * layer + 2 * csa + hca);
  // Router 8x256 BF16; shared expert 3 x (128x256+2), two routed experts of 3 x 128x256 / 2 and a scale
  // per 32.
  EXPECT_EQ(bytes_of(cost, Stage::kRouter), 5 * 4096);
  EXPECT_EQ(bytes_of(cost, Stage::kExperts), 5 * (3 * 32770 + 2 * 3 * (16384 + 1024)));
  EXPECT_EQ(bytes_of(cost, Stage::kHyperConnections), 5 * 2 * 24 * 1024 * 4);
  EXPECT_EQ(bytes_of(cost, Stage::kHead), 512 * 256 * 2 + 4 * 1024 * 4);
  EXPECT_EQ(bytes_of(cost, Stage::kOther), 256 * 2);  // one row of the embedding
  // 32 window rows a layer and 65 / 4 = 16 entries in each CSA layer, all of them chosen without a scan; rows
  // of 32 codes, a scale and its padding, 32 BF16.
  EXPECT_EQ(bytes_of(cost, Stage::kAttention), (5 * 32 + 2 * 16) * 98);
  EXPECT_EQ(bytes_of(cost, Stage::kIndexScan), 0);
}

TEST(StepCost, FlopsOfATokenOfTinyAreTheHandWorkedOnes) {
  SpanShape span{.position = 64, .tokens = 1, .logit_rows = 0};
  const StepCost without_head = step_cost(tiny_config(), {}, {&span, 1}, 10);
  // Multiply-adds of a layer: projections, two routed and one shared expert; router and stream mixing.
  const double layer = 32768 + 32768 + 16384 + 16384 + 32768 + 3 * 3 * 32768 + 8 * 256 + 2 * 24 * 1024;
  const double csa = 2 * 128 * 256 + 32768 + 2 * 128 * 256 + 4 * 256;
  const double hca = 2 * 64 * 256;
  const double rows = 5 * 32 + 2 * 16;   // of attention: score and sum for 4 heads of 64
  const double index = 2 * 4 * 64 * 16;  // two layers
  const double multiply_adds = 5 * layer + 2 * csa + hca + rows * 2 * 256 + index;
  EXPECT_EQ(without_head.flops, 2 * multiply_adds);
  span.logit_rows = 1;
  EXPECT_EQ(step_cost(tiny_config(), {}, {&span, 1}, 10).flops - without_head.flops, 2 * 512 * 256);
  EXPECT_EQ(bytes_of(without_head, Stage::kHead), 0);
}

TEST(StepCost, APassReadsSharedWeightsOnceAndEverySequencesRows) {
  const ModelConfig config = tiny_config();
  const SpanShape one{.position = 64};
  const SpanShape pass{.position = 64, .tokens = 4, .logit_rows = 4};
  const StepCost alone = step_cost(config, {}, {&one, 1}, 10);
  const StepCost drafts = step_cost(config, {}, {&pass, 1}, 10);
  EXPECT_EQ(bytes_of(drafts, Stage::kProjections), bytes_of(alone, Stage::kProjections));
  EXPECT_EQ(bytes_of(drafts, Stage::kHead), bytes_of(alone, Stage::kHead));
  const SpanShape both[] = {one, one};
  const StepCost two = step_cost(config, {}, both, 10);
  EXPECT_EQ(bytes_of(two, Stage::kAttention), 2 * bytes_of(alone, Stage::kAttention));
  EXPECT_EQ(two.flops, 2 * alone.flops);
}

// performance.md 1: 11.2 GB a token for Flash, of it the parts listed there; 27 GFLOP.
TEST(StepCost, AFlashTokenHasTheBytesOfTheTable) {
  const ModelConfig config = fixture_config("flash.json");
  const SpanShape span{.position = 0};
  const StepCost cost = step_cost(config, {}, {&span, 1}, int64_t{43} * 6);
  EXPECT_NEAR(bytes_of(cost, Stage::kHead) / 1e9, 1.06, 0.01);
  EXPECT_NEAR(bytes_of(cost, Stage::kProjections) / 1e9, 4.78 + 0.63, 0.03);
  EXPECT_NEAR((bytes_of(cost, Stage::kExperts) + bytes_of(cost, Stage::kRouter) +
               bytes_of(cost, Stage::kHyperConnections)) /
                  1e9,
              3.45 + 1.08 + 0.23, 0.03);
  EXPECT_NEAR(cost.total_bytes() / 1e9, 11.2, 0.1);
  EXPECT_NEAR(cost.flops / 1e9, 27.0, 0.5);
}

// performance.md 1: distinct experts per layer of Flash for M independent tokens.
TEST(StepCost, ExpectedDistinctExpertsAreThoseOfTheTable) {
  const std::pair<int, double> table[] = {{1, 6},  {2, 11.9}, {4, 23.2}, {6, 34},
                                          {8, 44}, {16, 81},  {128, 244}};
  for (const auto& [tokens, experts] : table)
    EXPECT_NEAR(expected_distinct_experts(256, 6, tokens), experts, 0.5) << tokens;
}

TEST(StepCost, MatrixBytesCountPartialScaleBlocks) {
  EXPECT_EQ(matrix_bytes(WeightFormat::kFp8E4m3, 129, 127), 129 * 127 + 2);
  EXPECT_EQ(matrix_bytes(WeightFormat::kFp4E2m1, 3, 64), 3 * 32 + 3 * 2);
  EXPECT_EQ(matrix_bytes(WeightFormat::kBf16, 3, 5), 30);
  EXPECT_EQ(matrix_bytes(WeightFormat::kF32, 3, 5), 60);
}

}  // namespace
}  // namespace fathom
