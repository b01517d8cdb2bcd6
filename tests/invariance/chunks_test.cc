// SPDX-License-Identifier: MIT
// Chunk borders and the number of threads never show, to the last bit (design.md 10; architecture.md,
// "token-by-token, chunked and whole-sequence evaluation give the same values").
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "invariance/sequence_runner.h"
#include "support/random_numbers.h"

namespace fathom {
namespace {

// Lengths that add up to `total`, none above `longest`; short ones are as likely as long ones.
std::vector<int64_t> random_chunks(RandomNumbers& random, int64_t total, int longest) {
  std::vector<int64_t> chunks;
  while (total > 0) {
    const int limit = random.one_of({1, 3, longest});
    chunks.push_back(std::min<int64_t>(total, random.whole(1, limit)));
    total -= chunks.back();
  }
  return chunks;
}

TEST(Chunks, RandomModelsGiveTheSameBitsInAnyChunksOnAnyNumberOfThreads) {
  constexpr int kTokens = 45;
  for (uint64_t seed = 0; seed < 36; ++seed) {
    SCOPED_TRACE(seed);
    const LoadedRandomModel model(make_random_model(seed));
    const std::vector<int32_t> tokens = random_tokens(seed + 7, model.config().vocab_size, kTokens);
    const Rounding rounding = seed % 4 == 3 ? Rounding::kNone : Rounding::kAsDeployed;
    SequenceRunner::Options options{.rounding = rounding, .tokens = kTokens, .batch = kTokens};
    const SequenceLogits whole = SequenceRunner(model, options).run(tokens, kTokens);
    EXPECT_EQ(whole.draft.rows, model.draft() == DraftLayer::kRun ? kTokens - 1 : 0);
    RandomNumbers random(seed);
    options.threads = 1 + static_cast<int>(seed % 3);
    SequenceRunner runner(model, options);
    for (int round = 0; round < 4; ++round) {
      const std::vector<int64_t> chunks =
          round == 0 ? std::vector<int64_t>(kTokens, 1) : random_chunks(random, kTokens, 30);
      const SequenceLogits got = runner.run(tokens, chunks);
      EXPECT_EQ(got.logits.data, whole.logits.data)
          << options.threads << " threads, chunks " << testing::PrintToString(chunks);
      EXPECT_EQ(got.draft.data, whole.draft.data)
          << options.threads << " threads, chunks " << testing::PrintToString(chunks);
    }
  }
}

// Long enough that every stage is worth more than one thread.
TEST(Chunks, LongStagesOnThreadsGiveTheSameBits) {
  constexpr int kTokens = 600;
  for (const uint64_t seed : {1, 2, 3}) {
    SCOPED_TRACE(seed);
    const LoadedRandomModel model(make_random_model(seed));
    const std::vector<int32_t> tokens = random_tokens(seed, model.config().vocab_size, kTokens);
    SequenceRunner::Options options{.tokens = kTokens, .batch = kTokens};
    const SequenceLogits whole = SequenceRunner(model, options).run(tokens, kTokens);
    for (const int threads : {2, 3}) {
      options.threads = threads;
      const SequenceLogits got = SequenceRunner(model, options).run(tokens, kTokens - 1);
      EXPECT_TRUE(same_rows(got.logits, whole.logits)) << threads;
      EXPECT_TRUE(same_rows(got.draft, whole.draft)) << threads;
    }
  }
}

// Rows that went through their round trips are packed without loss: what is read back is what was computed.
TEST(Chunks, PackedRowsAndPlainRowsGiveTheSameBits) {
  constexpr int kTokens = 150;  // several pages of index keys at ratio 4
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    const LoadedRandomModel model(make_random_model(seed));
    const std::vector<int32_t> tokens = random_tokens(seed, model.config().vocab_size, kTokens);
    SequenceRunner::Options options{.tokens = kTokens, .batch = 7};
    SequenceRunner packed(model, options);
    options.precision = RowPrecision::kF32;
    SequenceRunner plain(model, options);
    const SequenceLogits got = packed.run(tokens, 7);
    const SequenceLogits want = plain.run(tokens, 7);
    EXPECT_EQ(got.logits.data, want.logits.data);
    EXPECT_EQ(got.draft.data, want.draft.data);
    EXPECT_NE(packed.state().bytes(), plain.state().bytes());
  }
}

TEST(Chunks, ARunLeavesNothingBehindForTheNext) {
  for (const uint64_t seed : {0, 1, 2, 5}) {
    SCOPED_TRACE(seed);
    const LoadedRandomModel model(make_random_model(seed));
    const std::vector<int32_t> first = random_tokens(1, model.config().vocab_size, 60);
    const std::vector<int32_t> second = random_tokens(2, model.config().vocab_size, 33);
    const SequenceRunner::Options options{.tokens = 60, .batch = 60};
    const SequenceLogits fresh = SequenceRunner(model, options).run(second, 4);
    SequenceRunner runner(model, options);
    runner.run(first, 60);
    const SequenceLogits again = runner.run(second, 4);
    EXPECT_EQ(again.logits.data, fresh.logits.data);
    EXPECT_EQ(again.draft.data, fresh.draft.data);
  }
}

}  // namespace
}  // namespace fathom
