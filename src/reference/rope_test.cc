// SPDX-License-Identifier: MIT
// Angles, YaRN's ramp and the rotation itself, with numbers derived by hand (architecture.md 3).
#include "reference/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace fathom::reference {
namespace {

// With base 10, r = 8 and original = 2000 pi: dim(b) = 4 log10(1000 / b).
RopeConfig base_ten(double beta_fast, double beta_slow) {
  return {.theta = 10.0,
          .yarn = true,
          .factor = 4.0,
          .original_max_position_embeddings = 2000.0 * std::numbers::pi,
          .beta_fast = beta_fast,
          .beta_slow = beta_slow};
}

TEST(Yarn, RampRunsBetweenTheRoundedDims) {
  const RopeConfig rope = base_ten(200.0, 20.0);  // dims 2.796 and 6.796
  EXPECT_EQ(yarn_ramp(rope, 8).low, 2.0);
  EXPECT_EQ(yarn_ramp(rope, 8).high, 7.0);
  const std::vector<double> freqs = rope_frequencies(rope, 8);
  EXPECT_NEAR(freqs[0], 1.0, 1e-15);
  EXPECT_NEAR(freqs[2], std::pow(10.0, -0.5), 1e-15);
  EXPECT_NEAR(freqs[3], std::pow(10.0, -0.75) * (0.2 / 4.0 + 0.8), 1e-15);  // ramp (3 - 2) / (7 - 2)
}

TEST(Yarn, RampIsClampedToTheChannels) {
  EXPECT_EQ(yarn_ramp(base_ten(5000.0, 0.001), 8).low, 0.0);
  EXPECT_EQ(yarn_ramp(base_ten(5000.0, 0.001), 8).high, 7.0);
}

// low = high: a step of width 0.001, so the pair at it is still unscaled and the next one is scaled in full.
TEST(Yarn, AFlatRampIsAStep) {
  const RopeConfig rope = base_ten(900.0, 890.0);  // dims 0.18 and 0.20: low 0, high 1
  EXPECT_EQ(yarn_ramp(rope, 8).high, 1.0);
  const RopeConfig flat = base_ten(5000.0, 4000.0);  // both negative, clamped to 0
  const std::vector<double> freqs = rope_frequencies(flat, 8);
  EXPECT_NEAR(freqs[0], 1.0, 1e-15);
  EXPECT_NEAR(freqs[1], std::pow(10.0, -0.25) / 4.0, 1e-15);
}

TEST(Rope, AnglesAreFloat32Products) {
  const RopeConfig rope{.theta = 10000.0};
  const float freq = static_cast<float>(std::pow(10000.0, -2.0 / 64));
  EXPECT_EQ(rope_angles(rope, 64, 1'000'003)[1], 1'000'003.0f * freq);
}

TEST(Rope, TurnsPairsOfTheLastChannelsOnly) {
  const std::vector<float> angles = {static_cast<float>(std::numbers::pi / 2)};
  std::vector<double> x = {5.0, 1.0, 0.0};
  rotate(std::span<double>(x), std::span<const float>(angles));
  EXPECT_EQ(x[0], 5.0);
  EXPECT_NEAR(x[1], 0.0, 1e-7);
  EXPECT_NEAR(x[2], 1.0, 1e-7);
  rotate_back(std::span<double>(x), std::span<const float>(angles));
  EXPECT_NEAR(x[1], 1.0, 1e-15);
  EXPECT_NEAR(x[2], 0.0, 1e-15);
}

}  // namespace
}  // namespace fathom::reference
