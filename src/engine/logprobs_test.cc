// SPDX-License-Identifier: MIT
#include "engine/logprobs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fathom {
namespace {

TEST(Logprobs, AreTheSoftmaxOfTheLogits) {
  const std::vector<float> logits = {1.0F, 2.0F, 0.0F, 2.0F};
  const double sum = std::log(std::exp(1.0) + 2 * std::exp(2.0) + 1.0);
  EXPECT_NEAR(log_sum_exp(logits), sum, 1e-6);
  EXPECT_NEAR(log_softmax_at(logits, 0, log_sum_exp(logits)), 1.0 - sum, 1e-6);
}

TEST(Logprobs, TheTopComesByValueThenId) {
  const std::vector<float> logits = {1.0F, 2.0F, 0.0F, 2.0F};
  std::vector<TokenLogprob> top;
  top_logprobs(logits, 3, log_sum_exp(logits), top);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].id, 1);
  EXPECT_EQ(top[1].id, 3);
  EXPECT_EQ(top[2].id, 0);
  EXPECT_EQ(top[0].logprob, top[1].logprob);
  top_logprobs(logits, 20, log_sum_exp(logits), top);
  EXPECT_EQ(top.size(), 4u);
  top_logprobs(logits, 0, 0.0, top);
  EXPECT_TRUE(top.empty());
}

TEST(Logprobs, LogitsThatAreNotFiniteAreSeen) {
  std::vector<float> logits(1000, -1e38F);
  EXPECT_TRUE(all_finite(logits));
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    logits[777] = bad;
    EXPECT_FALSE(all_finite(logits)) << bad;
  }
}

}  // namespace
}  // namespace fathom
