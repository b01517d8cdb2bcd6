// SPDX-License-Identifier: MIT
// Every power of two from 8,192 to 131,072 tokens (reliability.md D-4): in one go, in chunks and, where that
// ends within seconds, by the reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "golden/reference_producer.h"
#include "invariance/sequence_runner.h"

namespace fathom {
namespace {

constexpr int64_t kLongest = (int64_t{1} << 17) + 1;

TEST(LongContext, PowersOfTwoInOneGoEqualChunks) {
  const LoadedRandomModel model(make_long_context_model(1));
  const std::vector<int32_t> tokens = random_tokens(3, model.config().vocab_size, kLongest);
  SequenceLogits in_chunks;
  {
    SequenceRunner runner(model, {.threads = 2, .tokens = kLongest, .batch = 2048});
    in_chunks = runner.run(tokens, 2048);
  }
  for (int64_t power = 8192; power < kLongest; power *= 2) {
    for (const int64_t length : {power - 1, power, power + 1}) {
      // Beyond 2^15 the time grows with the square.
      if (power > 32'768 && length != power + 1) continue;
      SequenceRunner runner(model, {.threads = 2, .tokens = length, .batch = length});
      const SequenceLogits at_once = runner.run(std::span(tokens).first(length), length);
      EXPECT_TRUE(same_rows(at_once.logits, in_chunks.logits)) << length;
      EXPECT_TRUE(same_rows(at_once.draft, in_chunks.draft)) << length;
    }
  }
}

// The bar of fixtures/model/README.md for a whole model without round trips; a choice too close for float32
// changes its own row only, because the CSA layer is the last.
TEST(LongContext, NearlyEveryRowOf32768EqualsTheReference) {
  constexpr int64_t kTokens = 32'769;
  const LoadedRandomModel model(make_long_context_model(2));
  const std::vector<int32_t> tokens = random_tokens(5, model.config().vocab_size, kTokens);
  const auto want = reference_producer<double>(model.checkpoint())(
      tokens, {.rounding = reference::Rounding::kNone, .trace = true});
  SequenceRunner runner(model, {.rounding = Rounding::kNone, .tokens = kTokens, .batch = 4096});
  const SequenceLogits got = runner.run(tokens, 4096);
  const auto& margins = want.choices.back().entries.margins;
  int64_t compared = 0;
  for (int64_t t = 0; t < kTokens; ++t) {
    if (margins[t] > 0.0 && margins[t] < 1e-5) continue;
    ++compared;
    for (int64_t i = 0; i < got.logits.cols; ++i) {
      ASSERT_NEAR(got.logits.at(t, i), want.logits.at(t, i), 1e-4) << "row " << t;
    }
  }
  EXPECT_GE(compared, kTokens * 95 / 100);
}

}  // namespace
}  // namespace fathom
