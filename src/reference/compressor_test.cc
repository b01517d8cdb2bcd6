// SPDX-License-Identifier: MIT
// Pooling, visibility and the position of entries (architecture.md 4).
#include "reference/compressor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace fathom::reference {
namespace {

LayerConfig layer_of(LayerKind kind, int ratio) {
  LayerConfig layer;
  layer.kind = kind;
  layer.compress_ratio = ratio;
  return layer;
}

TEST(Visibility, TheTokenThatClosesABlockSeesItsEntry) {
  EXPECT_EQ(visible_entries(0, 4), 0);
  EXPECT_EQ(visible_entries(2, 4), 0);
  EXPECT_EQ(visible_entries(3, 4), 1);
  EXPECT_EQ(visible_entries(6, 4), 1);
  EXPECT_EQ(visible_entries(7, 4), 2);
  EXPECT_EQ(visible_entries(127, 128), 1);
}

// One channel, equal gates: plain means. Columns of C: series a, series b.
TEST(Pool, OverlapTakesSeriesAOfThePreviousBlockAndSeriesBOfItsOwn) {
  Matrix<double> c(5, 2);  // two blocks of two tokens and an open tail
  c.data = {1, 10, 2, 20, 3, 30, 4, 40, 99, 99};
  const Matrix<double> entries =
      pool(c, Matrix<double>(5, 2), Matrix<double>(2, 2), layer_of(LayerKind::kCsa, 2));
  ASSERT_EQ(entries.rows, 2);
  EXPECT_DOUBLE_EQ(entries.at(0, 0), 15.0);  // (10 + 20) / 2: nothing before block 0
  EXPECT_DOUBLE_EQ(entries.at(1, 0), (1 + 2 + 30 + 40) / 4.0);
}

TEST(Pool, WithoutOverlapABlockStandsAlone) {
  Matrix<double> c(5, 1);
  c.data = {1, 2, 6, 4, 5};
  Matrix<double> z(5, 1);
  Matrix<double> ape(3, 1);
  z.data = {std::log(2.0), 0, 0, 0, 0};
  ape.data = {0, std::log(3.0), 0};  // gates 2, 3, 1
  const Matrix<double> entries = pool(c, z, ape, layer_of(LayerKind::kHca, 3));
  ASSERT_EQ(entries.rows, 1);
  EXPECT_DOUBLE_EQ(entries.at(0, 0), (2 * 1 + 3 * 2 + 1 * 6) / 6.0);
}

TEST(Pool, FewerTokensThanABlockMakeNoEntry) {
  EXPECT_EQ(
      pool(Matrix<float>(3, 1), Matrix<float>(3, 1), Matrix<float>(4, 1), layer_of(LayerKind::kHca, 4)).rows,
      0);
}

TEST(Pool, LargeGatesDoNotOverflow) {
  Matrix<float> c(2, 1);
  c.data = {1.0f, 2.0f};
  Matrix<float> z(2, 1, 200.0f);
  EXPECT_EQ(pool(c, z, Matrix<float>(2, 1), layer_of(LayerKind::kHca, 2)).at(0, 0), 1.5f);
}

// Entry 1 of ratio 2 stands at position 2: two channels of norm 1 turn by 2 radians.
TEST(FinishEntries, RotatesAtTheFirstTokenOfTheBlock) {
  LayerConfig layer = layer_of(LayerKind::kHca, 2);
  ModelConfig config;
  config.qk_rope_head_dim = 2;
  CompressorWeights<double> w;
  w.norm = {1.0, 1.0};
  Matrix<double> entries(2, 2);
  entries.data = {3.0, 0.0, 5.0, 0.0};
  finish_entries(entries, w, layer, config);
  EXPECT_NEAR(entries.at(0, 0), std::sqrt(2.0), 1e-15);
  EXPECT_NEAR(entries.at(1, 0), std::sqrt(2.0) * std::cos(2.0), 1e-15);
  EXPECT_NEAR(entries.at(1, 1), std::sqrt(2.0) * std::sin(2.0), 1e-15);
}

}  // namespace
}  // namespace fathom::reference
