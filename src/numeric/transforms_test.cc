// SPDX-License-Identifier: MIT
// Hadamard transform and rotary frequencies by hand; the official vectors are in tests/golden.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <complex>
#include <random>
#include <vector>

#include "numeric/hadamard.h"
#include "numeric/rope.h"

namespace fathom {
namespace {

TEST(Hadamard, EqualsTheDefiningSum) {
  std::mt19937 rng(29);
  std::normal_distribution<double> normal;
  for (const size_t n : {size_t{1}, size_t{2}, size_t{8}, size_t{64}}) {
    std::vector<double> x(n);
    for (double& v : x) v = normal(rng);
    std::vector<double> y = x;
    hadamard(std::span<double>(y));
    for (size_t a = 0; a < n; ++a) {
      double sum = 0.0;
      for (size_t b = 0; b < n; ++b) sum += (std::popcount(a & b) % 2 != 0 ? -x[b] : x[b]);
      EXPECT_NEAR(y[a], sum / std::sqrt(static_cast<double>(n)), 1e-14 * static_cast<double>(n)) << a;
    }
    hadamard(std::span<double>(y));
    for (size_t a = 0; a < n; ++a) EXPECT_NEAR(y[a], x[a], 1e-14 * static_cast<double>(n)) << a;
  }
}

TEST(Hadamard, TakesComplexNumbers) {
  std::vector<std::complex<double>> x = {{1.0, 2.0}, {3.0, -4.0}};
  hadamard(std::span<std::complex<double>>(x));
  EXPECT_NEAR(x[0].real(), 4.0 / std::sqrt(2.0), 1e-15);
  EXPECT_NEAR(x[1].imag(), 6.0 / std::sqrt(2.0), 1e-15);
}

TEST(Rope, PlainFrequenciesArePowersOfTheBase) {
  const std::vector<double> f = rope_frequencies({.r = 6, .theta = 1000.0});
  ASSERT_EQ(f.size(), 3u);
  EXPECT_EQ(f[0], 1.0);
  EXPECT_NEAR(f[1], 0.1, 1e-16);
  EXPECT_NEAR(f[2], 0.01, 1e-17);
}

// low == high: a step with denominator 0.001, so pairs up to `low` are kept and the later ones divided in
// full.
TEST(Rope, FlatRampIsAStep) {
  RopeParameters p{
      .r = 8, .theta = 10000.0, .factor = 4.0, .original = 4096.0, .beta_fast = 1e9, .beta_slow = 1e8};
  const RopeRamp ramp = rope_ramp(p);
  ASSERT_EQ(ramp.low, 0);
  ASSERT_EQ(ramp.high, 0);
  const std::vector<double> scaled = rope_frequencies(p);
  p.factor = 0.0;
  const std::vector<double> plain = rope_frequencies(p);
  EXPECT_EQ(scaled[0], plain[0]);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(scaled[i], plain[i] / 4.0) << i;
}

TEST(Rope, AngleIsRoundedToFloat32Twice) {
  const double frequency = 0.1;  // not a float32
  EXPECT_EQ(rope_angle(1000003, frequency), 1000003.0f * 0.1f);
  EXPECT_EQ(rope_angle(0, frequency), 0.0f);
}

}  // namespace
}  // namespace fathom
