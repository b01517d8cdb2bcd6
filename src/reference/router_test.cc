// SPDX-License-Identifier: MIT
// Choice and weights of experts (architecture.md 6).
#include "reference/router.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "reference/choice.h"

namespace fathom::reference {
namespace {

TEST(ChooseTopK, TiesGoToTheLowerIndex) {
  const std::vector<float> scores = {0.0f, 2.0f, 1.0f, 2.0f, 1.0f};
  EXPECT_EQ(choose_top_k(std::span<const float>(scores), 3).indices, (std::vector<int32_t>{1, 3, 2}));
  EXPECT_EQ(choose_top_k(std::span<const float>(scores), 3).margin, 0.0);
}

TEST(ChooseTopK, KeepsEverythingWhileFewerAreThere) {
  const std::vector<double> scores = {-1.0, 3.0};
  const Choice choice = choose_top_k(std::span<const double>(scores), 2);
  EXPECT_EQ(choice.indices, (std::vector<int32_t>{1, 0}));
  EXPECT_EQ(choice.margin, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(choose_top_k(std::span<const double>(), 4).indices.empty());
}

TEST(ChooseTopK, NanIsChosenLast) {
  const std::vector<float> scores = {NAN, -1.0f, NAN, 2.0f};
  EXPECT_EQ(choose_top_k(std::span<const float>(scores), 3).indices, (std::vector<int32_t>{3, 1, 0}));
}

ModelConfig config_of(ScoringFunc func) {
  ModelConfig config;
  config.scoring_func = func;
  config.num_experts_per_tok = 2;
  config.routed_scaling_factor = 3.0;
  return config;
}

TEST(Router, BiasSteersTheChoiceAndNeverTheWeights) {
  MoeWeights<double> w;
  w.bias = {10.0, 0.0, 0.0};
  const std::vector<double> logits = {0.0, std::log(3.0), 0.0};  // sigmoid 1/2, 3/4, 1/2
  const Route<double> got = route(std::span<const double>(logits), 0, w, config_of(ScoringFunc::kSigmoid));
  EXPECT_EQ(got.experts, (std::vector<int32_t>{0, 1}));
  EXPECT_NEAR(got.weights[0], 3.0 * 0.5 / 1.25, 1e-15);
  EXPECT_NEAR(got.weights[1], 3.0 * 0.75 / 1.25, 1e-15);
  EXPECT_NEAR(got.margin, 0.25, 1e-15);
}

TEST(Router, SoftmaxWeightsAreNotRenormalised) {
  MoeWeights<double> w;
  w.bias = {0.0, 0.0, 0.0};
  const std::vector<double> logits = {0.0, std::log(2.0), 0.0};
  const Route<double> got = route(std::span<const double>(logits), 0, w, config_of(ScoringFunc::kSoftmax));
  EXPECT_EQ(got.experts, (std::vector<int32_t>{1, 0}));  // 0 and 2 tie
  EXPECT_NEAR(got.weights[0], 1.5, 1e-15);
  EXPECT_NEAR(got.weights[1], 0.75, 1e-15);
}

TEST(Router, NoDivisionWhenTheConfigSaysSo) {
  ModelConfig config = config_of(ScoringFunc::kSigmoid);
  config.norm_topk_prob = false;
  MoeWeights<double> w;
  w.bias = {0.0, 0.0};
  const std::vector<double> logits = {0.0, 0.0};
  EXPECT_EQ(route(std::span<const double>(logits), 0, w, config).weights, (std::vector<double>{1.5, 1.5}));
}

TEST(Router, HashLayersTakeTheTablesRowInItsOrder) {
  MoeWeights<double> w;
  w.tid2eid = Matrix<int32_t>(2, 2);
  w.tid2eid.data = {0, 1, 2, 0};
  const std::vector<double> logits = {0.0, 50.0, std::log(3.0)};
  const Route<double> got = route(std::span<const double>(logits), 1, w, config_of(ScoringFunc::kSigmoid));
  EXPECT_EQ(got.experts, (std::vector<int32_t>{2, 0}));
  EXPECT_NEAR(got.weights[0], 3.0 * 0.75 / 1.25, 1e-15);
}

TEST(Router, SoftplusNeitherOverflowsNorLosesSmallValues) {
  const std::vector<double> logits = {100.0, -100.0};
  const std::vector<double> scores =
      expert_scores(std::span<const double>(logits), ScoringFunc::kSqrtSoftplus);
  EXPECT_NEAR(scores[0], 10.0, 1e-14);
  EXPECT_NEAR(scores[1], std::exp(-50.0), 1e-14 * std::exp(-50.0));
}

}  // namespace
}  // namespace fathom::reference
