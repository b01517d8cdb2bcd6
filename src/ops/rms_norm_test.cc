// SPDX-License-Identifier: MIT
// RMSNorm by hand-derived values (architecture.md, notation).
#include "ops/rms_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/kernel_test_support.h"

namespace fathom {
namespace {

TEST(RmsNorm, DividesByTheRootOfTheMeanSquareAndMultipliesByTheGain) {
  // mean(x^2) = (9 + 16) / 2 = 12.5, and 12.5 + 3.5 = 16.
  std::vector<float> out(2);
  rms_norm(std::vector<float>{3.0F, -4.0F}, std::vector<float>{2.0F, 10.0F}, 3.5F, out);
  EXPECT_EQ(out, (std::vector<float>{1.5F, -10.0F}));
  EXPECT_EQ(rms_factor(std::vector<float>{3.0F, -4.0F}, 3.5F), 0.25F);
  std::vector<float> row = {3.0F, -4.0F};
  rms_scale(row, 3.5F);
  EXPECT_EQ(row, (std::vector<float>{0.75F, -1.0F}));
}

TEST(RmsNorm, ZerosStayZeros) {
  std::vector<float> row(129, 0.0F);
  rms_norm(row, std::vector<float>(129, 2.0F), 1e-6F, row);
  EXPECT_EQ(row, std::vector<float>(129, 0.0F));
  EXPECT_FLOAT_EQ(rms_factor(row, 1e-6F), 1000.0F);
}

TEST(RmsNorm, MatchesBinary64AtEveryLengthAndInPlace) {
  for (const int64_t length : test_lengths()) {
    const auto n = static_cast<size_t>(length);
    const std::vector<float> x = random_floats(n, 21);
    const std::vector<float> gain = random_floats(n, 22);
    double sum = 0.0;
    for (const float v : x) sum += double{v} * v;
    const double factor = 1.0 / std::sqrt(sum / static_cast<double>(n) + 1e-6);
    std::vector<float> out(n);
    rms_norm(x, gain, 1e-6F, out);
    for (size_t i = 0; i < n; ++i) {
      // Half of the relative error of the sum of squares, (n + 1) 2^-24, then five roundings.
      const double bound = (static_cast<double>(n) / 2 + 6) * 0x1p-24 * std::fabs(x[i] * factor * gain[i]);
      EXPECT_NEAR(out[i], x[i] * factor * gain[i], bound) << n << " " << i;
    }
    std::vector<float> in_place = x;
    rms_norm(in_place, gain, 1e-6F, in_place);
    EXPECT_TRUE(same_bits(in_place, out)) << n;
  }
}

}  // namespace
}  // namespace fathom
