// SPDX-License-Identifier: MIT
// Expert scores, choice and weights beyond the fixtures: ties, extremes, values that are no numbers
// (architecture.md 6).
#include "ops/route.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include "support/random_numbers.h"

namespace fathom {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<int32_t> choice(const std::vector<float>& scores, const std::vector<float>& bias, size_t k) {
  std::vector<Route> routes(k, {-1, 0.0F});
  choose_experts(scores, bias, routes);
  std::vector<int32_t> experts;
  for (const Route& route : routes) experts.push_back(route.expert);
  return experts;
}

TEST(Router, ChoosesWhatASortChoosesBestFirst) {
  RandomNumbers random(2);
  for (const int experts : {1, 2, 5, 33, 256}) {
    std::vector<float> scores(static_cast<size_t>(experts));
    std::vector<float> bias(scores.size());
    for (size_t e = 0; e < scores.size(); ++e) {
      scores[e] = static_cast<float>(random.whole(0, 6)) * 0.25F;  // many ties
      bias[e] = static_cast<float>(random.whole(-2, 2)) * 0.5F;
    }
    std::vector<int32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order,
                             [&](int32_t a, int32_t b) { return scores[a] + bias[a] > scores[b] + bias[b]; });
    for (const int k : {1, 2, 6, experts}) {
      if (k > experts) continue;
      EXPECT_EQ(choice(scores, bias, static_cast<size_t>(k)),
                std::vector<int32_t>(order.begin(), order.begin() + k))
          << experts << " experts, top " << k;
    }
  }
}

TEST(Router, TiesGoToTheLowerExpert) {
  EXPECT_EQ(choice({1, 3, 3, 3, 2}, {}, 2), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(choice(std::vector<float>(9, 0.5F), {}, 4), (std::vector<int32_t>{0, 1, 2, 3}));
  // 1.5 + 0.5 and 1 + 1 tie exactly.
  EXPECT_EQ(choice({1.5F, 1.0F}, {0.5F, 1.0F}, 1), (std::vector<int32_t>{0}));
}

TEST(Router, BiasSteersTheChoiceAndNeverEntersTheWeights) {
  const std::vector<float> scores = {0.5F, 0.25F, 1.0F};
  std::vector<Route> routes(2);
  choose_experts(scores, std::vector<float>{0.0F, 10.0F, 0.0F}, routes);
  EXPECT_EQ(routes[0].expert, 1);
  EXPECT_EQ(routes[1].expert, 2);
  weigh_experts(scores, WeightNormalisation::kSum, 2.5F, routes);
  EXPECT_FLOAT_EQ(routes[0].weight, 2.5F * 0.25F / 1.25F);
  EXPECT_FLOAT_EQ(routes[1].weight, 2.5F * 1.0F / 1.25F);
  weigh_experts(scores, WeightNormalisation::kNone, 2.0F, routes);
  EXPECT_EQ(routes[0].weight, 0.5F);
  EXPECT_EQ(routes[1].weight, 2.0F);
}

TEST(Router, ScoresThatAreNoNumbersStillChooseDistinctExperts) {
  for (const float filling : {kNan, kInfinity, -kInfinity, 0.0F}) {
    for (size_t at = 0; at < 8; ++at) {
      for (const size_t k : {1, 3, 8}) {
        std::vector<float> scores(8, filling);
        scores[at] = kNan;
        const std::vector<int32_t> chosen = choice(scores, {}, k);
        EXPECT_EQ(std::set(chosen.begin(), chosen.end()).size(), k) << filling << " " << at;
        EXPECT_GE(*std::ranges::min_element(chosen), 0);
        EXPECT_LT(*std::ranges::max_element(chosen), 8);
      }
    }
  }
}

TEST(Router, NanLosesToEveryNumberWhereverItStands) {
  EXPECT_EQ(choice({kNan, 1, 2, 3}, {}, 3), (std::vector<int32_t>{3, 2, 1}));
  EXPECT_EQ(choice({1, 2, 3, kNan}, {}, 3), (std::vector<int32_t>{2, 1, 0}));
  EXPECT_EQ(choice({1, 2, kNan, 3}, {0, 0, 100, 0}, 2), (std::vector<int32_t>{3, 1}));
}

std::vector<float> scored(std::vector<float> logits, Affinity affinity) {
  expert_scores(logits, affinity);
  return logits;
}

// sqrt(log(1 + e^x)): sqrt(x) for large x, e^(x/2) for very negative x.
TEST(Router, SqrtSoftplusNeitherOverflowsNorLosesSmallValues) {
  const std::vector<float> got = scored({0.0F, 100.0F, 3e38F, -60.0F, -kInfinity}, Affinity::kSqrtSoftplus);
  EXPECT_FLOAT_EQ(got[0], std::sqrt(std::log(2.0F)));
  EXPECT_FLOAT_EQ(got[1], 10.0F);
  EXPECT_FLOAT_EQ(got[2], std::sqrt(3e38F));
  EXPECT_NEAR(got[3] / std::exp(-30.0), 1.0, 1e-6);
  EXPECT_EQ(got[4], 0.0F);
}

TEST(Router, SigmoidAndSoftmaxStayWithinZeroAndOne) {
  const std::vector<float> sigmoid = scored({0.0F, 200.0F, -200.0F, 2.0F, -2.0F}, Affinity::kSigmoid);
  EXPECT_EQ(sigmoid[0], 0.5F);
  EXPECT_EQ(sigmoid[1], 1.0F);
  EXPECT_EQ(sigmoid[2], 0.0F);
  EXPECT_NEAR(sigmoid[3] + sigmoid[4], 1.0F, 1e-7);

  const std::vector<float> softmax = scored({1.0F, 2.0F, 3.0F}, Affinity::kSoftmax);
  const std::vector<float> shifted = scored({1e4F + 1.0F, 1e4F + 2.0F, 1e4F + 3.0F}, Affinity::kSoftmax);
  EXPECT_EQ(shifted, softmax) << "only differences count";
  EXPECT_NEAR(softmax[0] + softmax[1] + softmax[2], 1.0F, 3e-7);
  EXPECT_NEAR(softmax[2] / softmax[0], std::exp(2.0), 2e-6);
  EXPECT_EQ(scored({-1e30F}, Affinity::kSoftmax), std::vector<float>{1.0F});
}

}  // namespace
}  // namespace fathom
