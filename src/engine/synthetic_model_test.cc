// SPDX-License-Identifier: MIT
#include "engine/synthetic_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/random_context.h"
#include "engine/score.h"
#include "model/transformer.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

std::unique_ptr<SyntheticModel> make_tiny(uint64_t seed, int threads) {
  auto pool = ThreadPool::create(threads);
  EXPECT_TRUE(pool.ok());
  auto model = SyntheticModel::make("tiny", seed, **pool);
  EXPECT_TRUE(model.ok()) << model.status().message();
  return std::move(model).value();
}

TEST(SyntheticModel, TheSameSeedGivesTheSameBytesOnAnyNumberOfThreads) {
  const auto one = make_tiny(5, 1);
  const auto three = make_tiny(5, 3);
  const auto other = make_tiny(6, 3);
  ASSERT_EQ(one->file().size(), three->file().size());
  EXPECT_TRUE(std::ranges::equal(one->file(), three->file()));
  ASSERT_EQ(one->file().size(), other->file().size());
  EXPECT_FALSE(std::ranges::equal(one->file(), other->file()));
}

TEST(SyntheticModel, LogitsAreFiniteAndOfOrdinarySize) {
  const auto model = make_tiny(1, 2);
  MatBuf<int32_t> tokens = std::move(MatBuf<int32_t>::allocate(1, 150)).value();
  for (int i = 0; i < 150; ++i) tokens.data()[i] = i * 7 % 512;
  const auto out = score(model->loaded().model(), tokens.view(), {.threads = 2});
  ASSERT_TRUE(out.ok());
  double squares = 0.0;
  for (int64_t i = 0; i < out->logits.rows() * out->logits.cols(); ++i) {
    const float logit = out->logits.data()[i];
    ASSERT_TRUE(std::isfinite(logit)) << i;
    squares += double{logit} * logit;
  }
  // The head's rows have norm 1 and its input has root mean square 1, so a logit is about normal.
  const double rms = std::sqrt(squares / static_cast<double>(out->logits.rows() * out->logits.cols()));
  EXPECT_GT(rms, 0.5);
  EXPECT_LT(rms, 2.0);
}

TEST(SyntheticModel, AMatrixHasTheSigmaOfItsWidth) {
  const auto model = make_tiny(1, 1);
  const WeightView& w = model->loaded().model().weights.layers[1].attn.wq_b;  // [256, 128]
  ASSERT_EQ(w.format, WeightFormat::kFp8E4m3);
  double sum = 0.0;
  double squares = 0.0;
  for (int64_t r = 0; r < w.rows; ++r) {
    for (int64_t c = 0; c < w.cols; ++c) {
      const double x = double{fp8_e4m3_to_float(static_cast<const uint8_t*>(w.data)[r * w.cols + c])} *
                       ue8m0_to_float(w.scales[r / 128]);
      sum += x;
      squares += x * x;
    }
  }
  const auto count = static_cast<double>(w.rows * w.cols);
  const double wanted = 1.0 / std::sqrt(128.0);
  EXPECT_NEAR(sum / count, 0.0, 5.0 * 2.0 * wanted / std::sqrt(count));
  // Scales are powers of two moved by up to one step.
  EXPECT_GT(std::sqrt(squares / count), 0.35 * wanted);
  EXPECT_LT(std::sqrt(squares / count), 2.9 * wanted);
}

TEST(SyntheticModel, AnUnknownPresetIsRefusedWithTheKnownOnes) {
  auto pool = ThreadPool::create(1);
  const auto model = SyntheticModel::make("flash", 1, **pool);
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(model.status().message(),
            "preset: expected one of flash-slice, pro-slice, mini, tiny, found \"flash\"");
}

TEST(SyntheticModel, EveryPresetHasAValidConfig) {
  for (const std::string_view preset : SyntheticModel::presets()) {
    const auto text = synthetic_config_text(preset);
    ASSERT_TRUE(text.ok()) << preset;
    const auto config = parse_model_config_text(*text);
    EXPECT_TRUE(config.ok()) << preset << ": " << config.status().message();
  }
}

TEST(RandomContext, AStateFilledWithRowsHasThePositionAndEntriesOfOneThatReadThem) {
  const auto model = make_tiny(1, 1);
  const ModelConfig& config = model->loaded().model().config;
  for (const int64_t tokens : {1, 31, 32, 127, 128, 1000}) {
    auto state = SequenceState::create(config, tokens + 3, RowPrecision::kPacked);
    ASSERT_TRUE(state.ok());
    fill_random_context(config, tokens, 9, *state);
    EXPECT_EQ(state->position(), tokens);
    EXPECT_EQ(state->layer(1).compressor->entries.size(), tokens / 4);
    EXPECT_EQ(state->layer(1).indexer->entries.size(), tokens / 4);
    EXPECT_EQ(state->layer(2).compressor->entries.size(), tokens / 128);
    auto pool = ThreadPool::create(1);
    auto acts = Activations::create(config, {.batch_tokens = 3, .logit_rows = 1, .workers = 1});
    const int32_t next[3] = {1, 2, 3};
    const SequenceSpan span{&*state, next, LogitsWanted::kLast};
    const StepOutput out = forward(model->loaded().model(), **pool, {}, {&span, 1}, *acts);
    for (const float logit : out.logits.row_span(0)) ASSERT_TRUE(std::isfinite(logit)) << tokens;
  }
}

}  // namespace
}  // namespace fathom
