// SPDX-License-Identifier: MIT
// Sink, groups, index scores, transform and clamp, one or two channels at a time (architecture.md 3, 5, 6).
#include "reference/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "reference/hadamard.h"
#include "reference/indexer.h"
#include "reference/moe.h"

namespace fathom::reference {
namespace {

// q . k / sqrt(4) = ln 2 against a sink of 0: weights 2 / (2 + 1 + 1) and 1 / 4, the sink's 1 / 4 carries no
// value.
TEST(Attention, TheSinkTakesItsShareOfTheSoftmax) {
  Matrix<double> q(1, 4);
  q.data = {2 * std::log(2.0), 0, 0, 0};
  Matrix<double> keys(2, 4);
  keys.data = {1, 0, 0, 8, 0, 0, 0, 4};
  const std::vector<double> sink = {0.0};
  const Matrix<double> o = attend(std::as_const(q).view(), keys, std::span<const double>(sink));
  EXPECT_NEAR(o.at(0, 0), 0.5, 1e-15);
  EXPECT_NEAR(o.at(0, 3), 0.5 * 8 + 0.25 * 4, 1e-14);
}

TEST(Attention, LargeLogitsAndSinksDoNotOverflow) {
  Matrix<float> keys(1, 1);
  keys.data = {1.0f};
  const std::vector<float> q = {1000.0f};
  EXPECT_EQ(attention_weights(std::span<const float>(q), keys, -80.0f)[0], 1.0f);
  EXPECT_EQ(attention_weights(std::span<const float>(q), keys, 1000.0f)[0], 0.5f);
}

TEST(Attention, GroupsOfWholeHeadsGoThroughTheirOwnMatrix) {
  Matrix<double> o(2, 1);  // two heads of one channel, two groups
  o.data = {1.0, 10.0};
  AttentionWeights<double> w;
  w.wo_a = {Matrix<double>(1, 1, 2.0), Matrix<double>(1, 1, 3.0)};
  w.wo_b.weight = Matrix<double>(1, 2);
  w.wo_b.weight.data = {1.0, 100.0};
  EXPECT_EQ(project_output(o, w, Rounding::kNone), (std::vector<double>{3002.0}));
}

TEST(Indexer, NegativeDotProductsCountZeroAndWeightsMayBeNegative) {
  Matrix<double> queries(2, 1);
  queries.data = {1.0, -1.0};
  Matrix<double> keys(2, 1);
  keys.data = {5.0, -7.0};
  const std::vector<double> weights = {2.0, -3.0};
  EXPECT_EQ(index_scores(std::as_const(queries).view(), std::as_const(keys).view(),
                         std::span<const double>(weights)),
            (std::vector<double>{10.0, -21.0}));
}

TEST(Hadamard, IsItsOwnInverseInNaturalOrder) {
  std::vector<double> x = {1.0, 2.0, 3.0, 5.0};
  hadamard(std::span<double>(x));
  EXPECT_EQ(x, (std::vector<double>{5.5, -1.5, -2.5, 0.5}));  // rows ++++ +-+- ++-- +--+, halved
  hadamard(std::span<double>(x));
  EXPECT_EQ(x, (std::vector<double>{1.0, 2.0, 3.0, 5.0}));
}

TEST(Swiglu, TheGateIsClampedFromAboveOnly) {
  const auto silu = [](double v) { return v / (1 + std::exp(-v)); };
  EXPECT_NEAR(swiglu(5.0, 1.0, 1.0, 2.0), silu(2.0), 1e-15);
  EXPECT_NEAR(swiglu(-5.0, 1.0, 1.0, 2.0), silu(-5.0), 1e-15);
  EXPECT_NEAR(swiglu(1.0, -5.0, 0.5, 2.0), -silu(1.0), 1e-15);
  EXPECT_NEAR(swiglu(5.0, 7.0, 1.0, 0.0), 7 * silu(5.0), 1e-13);
}

}  // namespace
}  // namespace fathom::reference
