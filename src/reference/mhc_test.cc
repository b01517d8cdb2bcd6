// SPDX-License-Identifier: MIT
// Residual streams on matrices small enough for a sheet of paper (architecture.md 2).
#include "reference/mhc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace fathom::reference {
namespace {

Matrix<double> square(std::initializer_list<double> values) {
  const int64_t n = std::lround(std::sqrt(static_cast<double>(values.size())));
  Matrix<double> m(n, n);
  m.data = values;
  return m;
}

void expect_matrix(const Matrix<double>& got, std::initializer_list<double> want) {
  ASSERT_EQ(got.data.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(got.data[i], want.begin()[i], 1e-15) << "element " << i;
}

// Softmax of the rows: (1/4, 3/4) and (1/2, 1/2); column sums 3/4 and 5/4.
TEST(Sinkhorn, OneIterationIsRowSoftmaxThenColumns) {
  Matrix<double> p = square({0.0, std::log(3.0), 0.0, 0.0});
  sinkhorn(p, 1, 0.0);
  expect_matrix(p, {1.0 / 3, 3.0 / 5, 2.0 / 3, 2.0 / 5});
}

// From there: row sums 14/15 and 16/15, then column sums 55/56 and 57/56.
TEST(Sinkhorn, EachFurtherIterationIsRowsThenColumns) {
  Matrix<double> p = square({0.0, std::log(3.0), 0.0, 0.0});
  sinkhorn(p, 2, 0.0);
  expect_matrix(p, {20.0 / 55, 36.0 / 57, 35.0 / 55, 21.0 / 57});
}

// eps is added to every entry after the softmax and to every sum.
TEST(Sinkhorn, EpsEntersEntriesAndSums) {
  Matrix<double> p = square({0.0, std::log(3.0), 0.0, 0.0});
  sinkhorn(p, 1, 0.1);
  expect_matrix(p, {0.35 / 1.05, 0.85 / 1.55, 0.6 / 1.05, 0.6 / 1.55});
}

TEST(UpdateStreams, RowsOfCombAreSourcesAndColumnsDestinations) {
  Matrix<double> streams(2, 1);
  streams.data = {1.0, 10.0};
  HyperConnection<double> hc{{}, {0.5, 0.0}, Matrix<double>(2, 2)};
  hc.comb.at(0, 1) = 3.0;  // from stream 0 to stream 1
  const std::vector<double> y = {100.0};
  update_streams(streams.view(), hc, std::span<const double>(y));
  EXPECT_EQ(streams.data, (std::vector<double>{50.0, 3.0}));
}

// One stream of two channels, so every row of fn is a scalar weight on x~ / rms(x~).
TEST(HyperConnection, ReadsItsRowsAsPrePostComb) {
  ModelConfig config;
  config.hc_mult = 1;
  config.hc_sinkhorn_iters = 1;
  config.hc_eps = 0.25;
  config.rms_norm_eps = 0.0;
  Matrix<double> streams(1, 2);
  streams.data = {3.0, -3.0};  // rms 3
  HyperConnectionWeights<double> w{Matrix<double>(3, 2), {0.5, -1.0, 7.0}, {2.0, 3.0, 1.0}};
  w.fn.at(0, 0) = 1.0;  // mix 1
  w.fn.at(1, 1) = 1.0;  // mix -1
  const HyperConnection<double> hc = hyper_connection(std::as_const(streams).view(), w, config);
  EXPECT_NEAR(hc.pre[0], 1 / (1 + std::exp(-2.5)) + 0.25, 1e-15);
  EXPECT_NEAR(hc.post[0], 2 / (1 + std::exp(4.0)), 1e-15);
  EXPECT_NEAR(hc.comb.at(0, 0), 1.25 / 1.5, 1e-15);  // softmax 1, + eps, / (itself + eps)
}

}  // namespace
}  // namespace fathom::reference
