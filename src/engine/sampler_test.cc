// SPDX-License-Identifier: MIT
// Draws follow the distribution, whatever cuts it, and alike distributions mostly give the same token.
#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/random_numbers.h"

namespace fathom {
namespace {

constexpr int64_t kVocab = 200;

std::vector<float> random_logits(uint64_t seed, double spread) {
  RandomNumbers random(seed);
  std::vector<float> logits(kVocab);
  for (float& logit : logits) logit = static_cast<float>(spread * random.bell());
  return logits;
}

TEST(Sampler, DrawsFollowTheDistribution) {
  const auto logits = random_logits(1, 2.0);
  SamplerScratch scratch(kVocab);
  for (const SamplingParams& params :
       {SamplingParams{.seed = 5}, SamplingParams{.temperature = 0.7, .top_p = 0.9, .seed = 6},
        SamplingParams{.temperature = 1.5, .top_k = 20, .min_p = 0.05, .seed = 7},
        SamplingParams{.top_p = 0.999, .logit_bias = {{3, 4.0F}, {9, -100.0F}}, .seed = 8}}) {
    const Sampler sampler(params, kVocab);
    const auto expected = sampler.distribution(logits, scratch);
    const std::vector<float> p(expected.begin(), expected.end());
    constexpr int kDraws = 10000;
    std::vector<int> counts(kVocab);
    for (int64_t position = 0; position < kDraws; ++position) {
      ++counts[sampler.sample(logits, position, scratch)];
    }
    for (int64_t id = 0; id < kVocab; ++id) {
      // Five standard deviations of a binomial count; the seed is fixed, so this cannot come and go.
      const double deviation = std::sqrt(kDraws * p[id] * (1.0 - p[id]));
      EXPECT_NEAR(counts[id], kDraws * p[id], 5.0 * deviation + 1e-9) << "id " << id;
    }
  }
}

TEST(Sampler, ADrawIsTheArgumentOfTheLargestNoisyLogit) {
  // Without the short cuts that skip hopeless ids: the order of ids must not matter, so reversing the
  // candidates through top-k = V gives the same token.
  SamplerScratch scratch(kVocab);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto logits = random_logits(seed, 5.0);
    const Sampler all({.seed = seed}, kVocab);
    const Sampler ranked({.top_k = kVocab - 1, .seed = seed}, kVocab);
    for (int64_t position = 0; position < 50; ++position) {
      EXPECT_EQ(all.sample(logits, position, scratch), ranked.sample(logits, position, scratch));
    }
  }
}

TEST(Sampler, AlikeDistributionsGiveTheSameTokenAsOftenAsTheyCan) {
  auto logits = random_logits(3, 2.0);
  auto close = logits;
  const auto noise = random_logits(4, 0.2);
  for (int64_t id = 0; id < kVocab; ++id) close[id] += noise[id];
  SamplerScratch scratch(kVocab);
  const Sampler sampler({.seed = 9}, kVocab);
  const auto span = sampler.distribution(logits, scratch);
  const std::vector<float> p(span.begin(), span.end());
  double overlap = 0.0;
  const auto q = sampler.distribution(close, scratch);
  for (int64_t id = 0; id < kVocab; ++id) overlap += std::min(p[id], q[id]);
  int same = 0;
  constexpr int kDraws = 4000;
  for (int64_t position = 0; position < kDraws; ++position) {
    same += sampler.sample(logits, position, scratch) == sampler.sample(close, position, scratch) ? 1 : 0;
  }
  // Gumbel coupling reaches at least overlap / (2 - overlap) of all draws (the Jaccard bound).
  EXPECT_GE(static_cast<double>(same) / kDraws, overlap / (2.0 - overlap) - 0.03);
  EXPECT_LT(same, kDraws);
}

TEST(Sampler, ChoicesDrawDifferentTokens) {
  const auto logits = random_logits(5, 1.0);
  SamplerScratch scratch(kVocab);
  const Sampler first({.seed = 1}, kVocab, 0);
  const Sampler second({.seed = 1}, kVocab, 1);
  int same = 0;
  for (int64_t position = 0; position < 100; ++position) {
    same += first.sample(logits, position, scratch) == second.sample(logits, position, scratch) ? 1 : 0;
  }
  EXPECT_LT(same, 20);
}

TEST(Sampler, MaskedTokensAreNeverDrawn) {
  const auto logits = random_logits(6, 3.0);
  std::vector<uint32_t> mask((kVocab + 31) / 32);
  for (const int id : {3, 64, 199}) mask[id / 32] |= 1U << (id % 32);
  SamplerScratch scratch(kVocab);
  for (const double temperature : {0.0, 1.0}) {
    for (const double top_p : {0.5, 1.0}) {
      const Sampler sampler({.temperature = temperature, .top_p = top_p, .seed = 2}, kVocab);
      for (int64_t position = 0; position < 100; ++position) {
        const int32_t id = sampler.sample(logits, position, scratch, mask);
        EXPECT_TRUE(id == 3 || id == 64 || id == 199) << id;
      }
    }
  }
}

TEST(Sampler, TinyTemperaturesAreGreedy) {
  const auto logits = random_logits(7, 1.0);
  SamplerScratch scratch(kVocab);
  const Sampler greedy({.temperature = 0.0}, kVocab);
  const Sampler tiny({.temperature = 1e-300}, kVocab);
  EXPECT_EQ(tiny.sample(logits, 1, scratch), greedy.sample(logits, 1, scratch));
}

}  // namespace
}  // namespace fathom
