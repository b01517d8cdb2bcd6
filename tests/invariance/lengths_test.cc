// SPDX-License-Identifier: MIT
// Lengths k - 1, k, k + 1 around everything that has a size (reliability.md D-4): window, ratios, blocks,
// pages, top-k, 4,096. A sequence of that length in one go equals the same tokens one by one, and the
// reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "golden/product_producer.h"
#include "golden/reference_producer.h"
#include "invariance/sequence_runner.h"
#include "ops/attend.h"

namespace fathom {
namespace {

// Every border of a model, and the lengths beside it.
std::set<int64_t> lengths_around_borders(const ModelConfig& config) {
  std::set<int64_t> borders = {2, config.sliding_window, 2 * config.sliding_window, kAttendBlock};
  for (const LayerConfig& layer : config.layers) {
    if (!layer.compressed()) continue;
    const int64_t m = layer.compress_ratio;
    borders.insert({m, 2 * m, kAttendBlock * m, RowStore::kPageRows * m});
    if (layer.kind == LayerKind::kCsa) borders.insert({config.index_topk * m, (config.index_topk + 1) * m});
  }
  std::set<int64_t> lengths;
  for (const int64_t border : borders) lengths.insert({border - 1, border, border + 1});
  lengths.erase(0);
  return lengths;
}

// `step` tokens at a time on three threads against all lengths in one go on one.
void expect_lengths_agree(const LoadedRandomModel& model, const std::set<int64_t>& lengths, int64_t step) {
  const int64_t longest = *lengths.rbegin();
  const std::vector<int32_t> tokens =
      random_tokens(longest, model.config().vocab_size, static_cast<int>(longest));
  const SequenceLogits in_steps =
      SequenceRunner(model, {.threads = 3, .tokens = longest, .batch = step}).run(tokens, step);
  SequenceRunner runner(model, {.tokens = longest, .batch = longest});
  for (const int64_t length : lengths) {
    const SequenceLogits at_once = runner.run(std::span(tokens).first(length), length);
    EXPECT_TRUE(same_rows(at_once.logits, in_steps.logits)) << "length " << length << " of " << longest;
    EXPECT_TRUE(same_rows(at_once.draft, in_steps.draft)) << "draft, length " << length << " of " << longest;
  }
}

TEST(Lengths, BesideEveryBorderOfRandomModelsInOneGoEqualTokenByToken) {
  std::set<LayerKind> kinds;
  for (const uint64_t seed : {2, 3, 4, 10, 11}) {
    SCOPED_TRACE(seed);
    const LoadedRandomModel model(make_random_model(seed));
    for (const LayerConfig& layer : model.config().layers) kinds.insert(layer.kind);
    expect_lengths_agree(model, lengths_around_borders(model.config()), 1);
  }
  EXPECT_EQ(kinds.size(), 3u);
}

TEST(Lengths, UpTo4096InOneGoEqualTokenByTokenAndChunks) {
  const LoadedRandomModel model(make_long_context_model(1));
  expect_lengths_agree(model, lengths_around_borders(model.config()), 1);
  expect_lengths_agree(model, {511, 512, 513, 1024, 1025, 4097}, 512);
  expect_lengths_agree(model, {999, 1000, 1001, 2001}, 1000);
}

// Largest difference in a row, relative to its largest value (at least 1).
double relative_gap(std::span<const float> got, std::span<const float> want) {
  double gap = got.size() == want.size() ? 0.0 : INFINITY;
  double scale = 1.0;
  for (size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    const double difference = std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    gap = std::isnan(difference) ? INFINITY : std::max(gap, difference);
    scale = std::max(scale, std::fabs(static_cast<double>(want[i])));
  }
  return gap / scale;
}

// Without round trips only the indexer's choice, in the last layer, can jump: rows where it was too close for
// float32 are left out, and in the draft layer the rows that see them in their window.
TEST(Lengths, UpTo4096EqualTheReference) {
  constexpr int kTokens = 4097;
  for (const uint64_t seed : {1, 3}) {
    SCOPED_TRACE(seed);
    const LoadedRandomModel model(make_long_context_model(seed));
    const std::vector<int32_t> tokens = random_tokens(9, model.config().vocab_size, kTokens);
    const ForwardRequest request{
        .rounding = reference::Rounding::kNone, .chunk = 700, .mtp = true, .trace = true};
    const auto want = reference_producer<double>(model.checkpoint())(tokens, request);
    const auto got = product_producer(model.checkpoint(), 1)(tokens, request);
    const auto& margins = want.choices.back().entries.margins;
    int64_t last_close = -kTokens;
    int compared = 0;
    for (int64_t t = 0; t < kTokens; ++t) {
      // Exactly 0 is a tie of scores that are 0, which a rule decides.
      if (margins[t] > 0.0 && margins[t] < 1e-5) {
        last_close = t;
        continue;
      }
      ++compared;
      ASSERT_LE(relative_gap(got.logits.row(t), want.logits.row(t)), 1e-4) << "row " << t;
      ASSERT_TRUE(std::ranges::equal(got.choices.back().entries.entries.row(t),
                                     want.choices.back().entries.entries.row(t)))
          << "row " << t;
      if (t >= want.mtp_logits.rows || t - last_close <= model.config().sliding_window) continue;
      ASSERT_LE(relative_gap(got.mtp_logits.row(t), want.mtp_logits.row(t)), 1e-4) << "draft row " << t;
    }
    EXPECT_GE(compared, kTokens * 98 / 100);
  }
}

}  // namespace
}  // namespace fathom
