// SPDX-License-Identifier: MIT
// Several sequences in one step give each the bits it has alone, whatever else is in the batch and whichever
// logits are asked for (design.md 1.3, 4).
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "invariance/sequence_runner.h"
#include "support/random_numbers.h"

namespace fathom {
namespace {

using reference::Matrix;

constexpr int64_t kBatchTokens = 24;
constexpr int64_t kLongest = 40;

struct Sequence {
  std::vector<int32_t> tokens;
  SequenceLogits alone;
  SequenceState state;

  int64_t left() const { return static_cast<int64_t>(tokens.size()) - state.position(); }
};

std::vector<Sequence> make_sequences(const LoadedRandomModel& model, Rounding rounding, uint64_t seed) {
  std::vector<Sequence> out;
  SequenceRunner runner(model, {.rounding = rounding, .tokens = kLongest, .batch = kLongest});
  for (const int length : {1, 2, 17, 40, 29}) {
    Sequence sequence;
    sequence.tokens = random_tokens(seed * 100 + length, model.config().vocab_size, length);
    sequence.alone = runner.run(sequence.tokens, kLongest);
    auto state = SequenceState::create(model.config(), length, row_precision(rounding));
    EXPECT_TRUE(state.ok());
    sequence.state = std::move(state).value();
    out.push_back(std::move(sequence));
  }
  return out;
}

// One step: some of the unfinished sequences, in any order, with spans of any length and any wish.
struct Step {
  std::vector<SequenceSpan> spans;
  std::vector<const Sequence*> of;
  std::vector<int64_t> position;
};

Step draw_step(std::vector<Sequence>& sequences, RandomNumbers& random) {
  Step step;
  std::vector<Sequence*> order;
  for (Sequence& sequence : sequences) order.push_back(&sequence);
  for (size_t i = order.size() - 1; i > 0; --i) {
    std::swap(order[i], order[random.whole(0, static_cast<int>(i))]);
  }
  int64_t room = kBatchTokens;
  for (Sequence* sequence : order) {
    if (sequence->left() == 0 || room == 0 || random.whole(0, 3) == 0) continue;
    const auto limit = static_cast<int>(std::min(room, sequence->left()));
    const int64_t count = random.whole(1, random.one_of({1, limit}));
    const auto wanted = static_cast<LogitsWanted>(random.whole(0, 2));
    step.position.push_back(sequence->state.position());
    step.spans.push_back(
        {&sequence->state, std::span(sequence->tokens).subspan(step.position.back(), count), wanted});
    step.of.push_back(sequence);
    room -= count;
  }
  return step;
}

// Rows [first, first + count) of a sequence that a span with this wish must give, in order.
void append_wanted(const Matrix<float>& alone, int64_t first, int64_t count, LogitsWanted wanted,
                   std::vector<float>& out) {
  if (wanted == LogitsWanted::kNone || count == 0) return;
  if (wanted == LogitsWanted::kLast) first += count - 1;
  const int64_t rows = wanted == LogitsWanted::kLast ? 1 : count;
  for (int64_t row = first; row < first + rows; ++row) {
    out.insert(out.end(), alone.row(row).begin(), alone.row(row).end());
  }
}

std::vector<float> values_of(MatView<const float> m) {
  std::vector<float> out;
  for (int64_t row = 0; row < m.rows; ++row) out.insert(out.end(), m.row(row), m.row(row) + m.cols);
  return out;
}

void run_together(const LoadedRandomModel& model, Rounding rounding, int threads, uint64_t seed) {
  std::vector<Sequence> sequences = make_sequences(model, rounding, seed);
  RandomNumbers random(seed);
  auto pool = ThreadPool::create(threads);
  auto acts = Activations::create(
      model.config(), {.batch_tokens = kBatchTokens, .logit_rows = kBatchTokens, .workers = threads});
  ASSERT_TRUE(pool.ok() && acts.ok());
  const auto unfinished = [](const Sequence& sequence) { return sequence.left() > 0; };
  while (std::ranges::any_of(sequences, unfinished)) {
    const Step step = draw_step(sequences, random);
    if (step.spans.empty()) continue;
    const StepOutput out =
        forward(model.model(), **pool, {.rounding = rounding, .draft = model.draft()}, step.spans, *acts);
    std::vector<float> logits;
    std::vector<float> draft;
    for (size_t i = 0; i < step.spans.size(); ++i) {
      const auto count = static_cast<int64_t>(step.spans[i].tokens.size());
      append_wanted(step.of[i]->alone.logits, step.position[i], count, step.spans[i].logits, logits);
      if (model.draft() == DraftLayer::kSkip) continue;
      // A draft row for every token whose successor is now known: one earlier, none before the first.
      const int64_t first = std::max<int64_t>(0, step.position[i] - 1);
      append_wanted(step.of[i]->alone.draft, first, step.position[i] + count - 1 - first,
                    step.spans[i].logits, draft);
    }
    ASSERT_EQ(values_of(out.logits), logits);
    ASSERT_EQ(values_of(out.draft_logits), draft);
  }
}

TEST(Batches, EverySequenceHasTheBitsItHasAlone) {
  for (uint64_t seed = 0; seed < 36; ++seed) {
    const LoadedRandomModel model(make_random_model(seed));
    SCOPED_TRACE(seed);
    run_together(model, seed % 4 == 1 ? Rounding::kNone : Rounding::kAsDeployed,
                 1 + static_cast<int>(seed % 3 == 0), seed);
  }
}

// As many sequences as the batch has rows: what a busy server does at every decode step.
TEST(Batches, AFullBatchOfSingleTokensMatches) {
  for (const uint64_t seed : {1, 4, 5}) {
    const LoadedRandomModel model(make_random_model(seed));
    const std::vector<int32_t> tokens = random_tokens(seed, model.config().vocab_size, 30);
    const SequenceLogits alone = SequenceRunner(model, {.tokens = 30, .batch = 30}).run(tokens, 30);
    auto pool = ThreadPool::create(2);
    auto acts = Activations::create(model.config(),
                                    {.batch_tokens = kBatchTokens, .logit_rows = kBatchTokens, .workers = 2});
    ASSERT_TRUE(pool.ok() && acts.ok());
    std::vector<SequenceState> states;
    for (int i = 0; i < kBatchTokens; ++i) {
      auto state = SequenceState::create(model.config(), 30, RowPrecision::kPacked);
      ASSERT_TRUE(state.ok());
      states.push_back(std::move(state).value());
    }
    for (int t = 0; t < 30; ++t) {
      std::vector<SequenceSpan> spans;
      for (SequenceState& state : states) spans.push_back({&state, std::span(tokens).subspan(t, 1)});
      const StepOutput out = forward(model.model(), **pool, {.draft = model.draft()}, spans, *acts);
      ASSERT_EQ(out.logits.rows, kBatchTokens);
      for (int64_t row = 0; row < kBatchTokens; ++row) {
        ASSERT_TRUE(std::ranges::equal(out.logits.row_span(row), alone.logits.row(t))) << seed << " " << t;
      }
    }
  }
}

}  // namespace
}  // namespace fathom
