// SPDX-License-Identifier: MIT
// Rotations by hand-derived values (architecture.md 3); frequencies and angles are the fixtures' job.
#include "ops/rope.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/kernel_test_support.h"

namespace fathom {
namespace {

TEST(Rope, ThePairsAreNeighboursAtTheEndOfTheRow) {
  std::vector<float> row = {9, 8, 7, 1, 0, 0, 1};
  const std::vector<float> cos = {0.0F, 0.5F};
  const std::vector<float> sin = {1.0F, 0.25F};
  rotate(row, {cos, sin});
  EXPECT_EQ(row, (std::vector<float>{9, 8, 7, 0, 1, -0.25F, 0.5F}));
  rotate_back(row, {cos, sin});
  EXPECT_EQ(row, (std::vector<float>{9, 8, 7, 1, 0, 0, 0.3125F})) << "0.5 * 0.5 + 0.25 * 0.25";
}

TEST(Rope, PositionZeroTurnsNothing) {
  const RotaryEmbedding rotary({.r = 8, .theta = 10000.0});
  std::vector<float> cos(4), sin(4);
  rotary.angles(0, cos, sin);
  const std::vector<float> x = random_floats(11, 3);
  std::vector<float> row = x;
  rotate(row, {cos, sin});
  EXPECT_TRUE(same_bits(row, x));
}

TEST(Rope, TheConjugateRotationUndoesTheRotation) {
  const RotaryEmbedding rotary({.r = 16, .theta = 500.0});
  std::vector<float> cos(8), sin(8);
  for (const int64_t position : {1, 127, 4096, 1'000'000}) {
    rotary.angles(position, cos, sin);
    const std::vector<float> x = random_floats(16, 4);
    std::vector<float> row = x;
    rotate(row, {cos, sin});
    rotate_back(row, {cos, sin});
    // cos^2 + sin^2 = 1 within an ulp each; values stay below 4.
    for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(row[i], x[i], 4 * 8 * 0x1p-24) << position << " " << i;
  }
}

// What makes K = V work: after the conjugate rotation only the distance of the two positions counts.
TEST(Rope, OnlyTheDistanceOfTwoPositionsCounts) {
  const RotaryEmbedding rotary({.r = 4, .theta = 100.0});
  const auto relative = [&](int64_t query, int64_t key) {
    std::vector<float> cos(2), sin(2), row = {1, 2, 3, 4};
    rotary.angles(key, cos, sin);
    rotate(row, {cos, sin});
    rotary.angles(query, cos, sin);
    rotate_back(row, {cos, sin});
    return row;
  };
  const std::vector<float> want = relative(7, 0);
  for (const int64_t shift : {1, 50, 1000}) {
    const std::vector<float> got = relative(7 + shift, shift);
    // A float32 angle is off by up to half an ulp of its size.
    const double bound = 8 * (static_cast<double>(shift + 7) * 0x1p-23 + 0x1p-22);
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(got[i], want[i], bound) << shift << " " << i;
  }
}

}  // namespace
}  // namespace fathom
