// SPDX-License-Identifier: MIT
// SequenceState: what each kind of layer gets, how memory grows, and what clear forgets (design.md 5).
#include "state/sequence_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace fathom {
namespace {

constexpr int64_t kFloat = 4;

// One layer of each kind; the draft layer only sees its window.
ModelConfig config_with(int draft_layers) {
  ModelConfig config;
  config.head_dim = 6;
  config.index_head_dim = 8;
  config.sliding_window = 11;
  config.hc_mult = 3;
  config.hidden_size = 10;
  config.num_nextn_predict_layers = draft_layers;
  config.layers = {{.kind = LayerKind::kWindow, .rope = {}},
                   {.kind = LayerKind::kCsa, .compress_ratio = 4, .rope = {}},
                   {.kind = LayerKind::kHca, .compress_ratio = 16, .rope = {}}};
  return config;
}

SequenceState make_state(const ModelConfig& config, int64_t tokens) {
  auto state = SequenceState::create(config, tokens);
  FATHOM_CHECK(state.ok());
  return std::move(state).value();
}

// Rings never grow: window rows, and the raw C and Z rows of 2m or m positions; 8 more for undoing.
constexpr int64_t kWindowBytes = (11 + 8) * 6 * kFloat;
constexpr int64_t kCsaRings = 2 * (2 * 4 + 8) * (2 * 6) * kFloat;
constexpr int64_t kIndexRings = 2 * (2 * 4 + 8) * (2 * 8) * kFloat;
constexpr int64_t kHcaRings = 2 * (16 + 8) * 6 * kFloat;
constexpr int64_t kFixedBytes = 3 * kWindowBytes + kCsaRings + kIndexRings + kHcaRings;

// Pages of 32 rows of entries and index keys, and 4 bytes a token.
int64_t growing_bytes(int64_t tokens) {
  const auto pages = [](int64_t rows) { return (rows + 31) / 32 * 32; };
  return 4 * tokens + (pages(tokens / 4) * (6 + 8) + pages(tokens / 16) * 6) * kFloat;
}

TEST(SequenceState, EachKindOfLayerGetsItsOwnParts) {
  SequenceState state = make_state(config_with(1), 100);
  for (int layer = 0; layer < 3; ++layer) {
    EXPECT_EQ(state.layer(layer).window.capacity(), 19);
    EXPECT_EQ(state.layer(layer).window.row_floats(), 6);
  }
  EXPECT_FALSE(state.layer(0).compressor.has_value());
  EXPECT_FALSE(state.layer(0).indexer.has_value());

  LayerState& csa = state.layer(1);
  ASSERT_TRUE(csa.compressor && csa.indexer);
  EXPECT_EQ(csa.compressor->ratio, 4);
  EXPECT_EQ(csa.compressor->c.capacity(), 16) << "the block before is needed too";
  EXPECT_EQ(csa.compressor->z.row_floats(), 12) << "both series";
  EXPECT_EQ(csa.compressor->entries.row_floats(), 6);
  EXPECT_EQ(csa.indexer->c.row_floats(), 16);
  EXPECT_EQ(csa.indexer->entries.row_floats(), 8);

  LayerState& hca = state.layer(2);
  ASSERT_TRUE(hca.compressor);
  EXPECT_FALSE(hca.indexer.has_value());
  EXPECT_EQ(hca.compressor->c.capacity(), 24);
  EXPECT_EQ(hca.compressor->z.row_floats(), 6);

  EXPECT_EQ(state.draft_layer().window.capacity(), 19);
  EXPECT_EQ(state.draft_streams().row_floats(), 30);
  EXPECT_EQ(state.draft_streams().capacity(), 9);
}

// What a sequence is admitted with is what it takes, to the byte.
TEST(SequenceState, BytesForIsWhatCreateTakes) {
  for (const RowPrecision precision : {RowPrecision::kF32, RowPrecision::kPacked}) {
    for (const int draft_layers : {0, 1}) {
      for (const int64_t tokens : {0, 1, 4, 127, 128, 129, 513, 1290}) {
        const ModelConfig config = config_with(draft_layers);
        const auto state = SequenceState::create(config, tokens, precision);
        ASSERT_TRUE(state.ok());
        EXPECT_EQ(SequenceState::bytes_for(config, tokens, precision), state->bytes()) << tokens;
      }
    }
  }
}

TEST(SequenceState, BytesAreTheSumOfItsParts) {
  for (const int64_t tokens : {0, 1, 3, 4, 127, 128, 129, 132, 511, 512, 528, 1290}) {
    EXPECT_EQ(make_state(config_with(0), tokens).bytes(), kFixedBytes + growing_bytes(tokens)) << tokens;
    EXPECT_EQ(make_state(config_with(1), tokens).bytes(),
              kFixedBytes + kWindowBytes + 9 * 30 * kFloat + growing_bytes(tokens))
        << tokens;
  }
}

// architecture.md 9: e4m3 codes with a scale byte per 64, then f32; index keys e2m1 with a scale byte per 32.
TEST(SequenceState, PackedRowsTakeFewerBytesAndRawCompressorRowsTheSame) {
  ModelConfig config = config_with(1);
  config.head_dim = 140;
  config.qk_rope_head_dim = 8;  // 132 codes, 3 scales, 1 byte of padding, 8 floats
  config.index_head_dim = 64;   // 32 bytes of pairs, 2 scales, 2 bytes of padding
  constexpr int64_t kRow = 136 + 8 * kFloat;
  constexpr int64_t kKey = 36;
  const auto state = SequenceState::create(config, 600, RowPrecision::kPacked);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->precision(), RowPrecision::kPacked);
  const int64_t rings = 2 * (16 * 280 + 16 * 128 + 24 * 140) * kFloat;
  // 150 entries of CSA in 5 pages, 37 of HCA in 2.
  const int64_t growing = 600 * 4 + 160 * (kRow + kKey) + 64 * kRow;
  EXPECT_EQ(state->bytes(), 4 * 19 * kRow + rings + growing + 9 * 30 * kFloat);
}

TEST(SequenceState, ReserveTakesMemoryOnceAndNeverGivesItBack) {
  SequenceState state = make_state(config_with(0), 10);
  ASSERT_TRUE(state.reserve(600).ok());
  EXPECT_EQ(state.bytes(), kFixedBytes + growing_bytes(600));
  ASSERT_TRUE(state.reserve(5).ok());
  EXPECT_EQ(state.bytes(), kFixedBytes + growing_bytes(600));
}

// Room for an entry per full block: the one that a last, unfinished block would make is never asked for.
TEST(SequenceState, EveryEntryOfTheReservedTokensHasRoom) {
  for (const int64_t tokens : {4, 127, 128, 129, 1000}) {
    SequenceState state = make_state(config_with(0), tokens);
    state.layer(1).compressor->entries.grow(tokens / 4);
    state.layer(1).indexer->entries.grow(tokens / 4);
    state.layer(2).compressor->entries.grow(tokens / 16);
    EXPECT_EQ(state.layer(1).indexer->entries.size(), tokens / 4);
  }
}

TEST(SequenceState, AdvanceAppendsTokensUpToTheReservedCount) {
  SequenceState state = make_state(config_with(1), 7);
  std::vector<int32_t> tokens(7);
  std::iota(tokens.begin(), tokens.end(), 100);
  state.advance(std::span(tokens).first(3));
  EXPECT_EQ(state.position(), 3);
  state.advance({});
  state.advance(std::span(tokens).subspan(3));
  EXPECT_EQ(state.position(), 7);
  EXPECT_TRUE(std::ranges::equal(state.tokens(), tokens));
}

TEST(SequenceStateDeathTest, AdvancingBeyondTheReservedCountIsABug) {
  SequenceState state = make_state(config_with(0), 7);
  const std::vector<int32_t> tokens(8, 1);
  EXPECT_DEATH(state.advance(tokens), "capacity");
}

TEST(SequenceState, ClearGoesBackToTheEmptySequenceInTheSameMemory) {
  SequenceState state = make_state(config_with(1), 200);
  const int64_t bytes = state.bytes();
  state.advance(std::vector<int32_t>(200, 1));
  state.layer(1).compressor->entries.grow(50);
  state.layer(1).indexer->entries.grow(50);
  state.layer(2).compressor->entries.grow(12);
  state.set_draft_tokens(200);
  state.clear();
  EXPECT_EQ(state.position(), 0);
  EXPECT_EQ(state.draft_tokens(), 0);
  EXPECT_EQ(state.layer(1).compressor->entries.size(), 0);
  EXPECT_EQ(state.layer(1).indexer->entries.size(), 0);
  EXPECT_EQ(state.layer(2).compressor->entries.size(), 0);
  EXPECT_EQ(state.bytes(), bytes);
  state.advance(std::vector<int32_t>(200, 1));
  EXPECT_EQ(state.bytes(), bytes) << "filling it again allocates nothing";
}

}  // namespace
}  // namespace fathom
