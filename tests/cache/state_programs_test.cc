// SPDX-License-Identifier: MIT
// Random programs of append, trim, fork, save and restore end in the state that its tokens give when they are
// evaluated afresh (reliability.md C-1).
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/stamped_model.h"
#include "invariance/sequence_runner.h"
#include "support/random_numbers.h"
#include "support/rounds.h"

namespace fathom {
namespace {

// What a program runs on: states of a model and how they grow.
struct Machine {
  std::function<SequenceState()> make;
  std::function<void(SequenceState&, std::span<const int32_t>)> append;
  int vocab_size = 0;
  int most_tokens = 0;
};

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

// A few sequences that fork from and are restored into each other.
class Program {
 public:
  Program(const Machine& machine, uint64_t seed) : machine_(machine), random_(seed) {
    for (int i = 0; i < 3; ++i) {
      states_.push_back(machine.make());
      tokens_.emplace_back();
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) step();
    for (size_t i = 0; i < states_.size(); ++i) expect_fresh(i);
  }

 private:
  void step() {
    const auto at = static_cast<size_t>(random_.whole(0, 2));
    switch (random_.whole(0, 5)) {
      case 0:
      case 1: return append(at);
      case 2: return trim(at);
      case 3: return fork(at, static_cast<size_t>(random_.whole(0, 2)));
      case 4: return save(at);
      case 5: return restore(at);
      default: return;
    }
  }

  void append(size_t at) {
    const auto room = machine_.most_tokens - static_cast<int>(tokens_[at].size());
    const int most = random_.one_of({1, 3, 9, 40});
    std::vector<int32_t> added(static_cast<size_t>(std::min(room, random_.whole(1, most))));
    // Few different tokens, so that sequences often share prefixes.
    for (int32_t& token : added) token = random_.whole(0, std::min(3, machine_.vocab_size - 1));
    if (added.empty()) return;
    machine_.append(states_[at], added);
    tokens_[at].insert(tokens_[at].end(), added.begin(), added.end());
  }

  void trim(size_t at) {
    SequenceState& state = states_[at];
    const int64_t to = state.position() - random_.whole(0, kUndoTokens + 1);
    const bool reaches = to >= state.undo_floor();
    const Status status = state.trim(to);
    ASSERT_EQ(status.code(), reaches ? StatusCode::kOk : StatusCode::kOutOfRange) << status.message();
    if (reaches) tokens_[at].resize(static_cast<size_t>(to));
  }

  void fork(size_t from, size_t to) {
    if (from == to) return;
    auto copy = states_[from].fork(0);
    ASSERT_TRUE(copy.ok());
    states_[to] = std::move(copy).value();
    tokens_[to] = tokens_[from];
  }

  void save(size_t at) {
    saved_ = saved(states_[at]);
    saved_tokens_ = tokens_[at];
  }

  void restore(size_t at) {
    if (saved_.empty()) return;
    const Status status = states_[at].restore(bytes(saved_));
    ASSERT_TRUE(status.ok()) << status.message();
    tokens_[at] = saved_tokens_;
    ASSERT_EQ(states_[at].undo_floor(), states_[at].position());
  }

  void expect_fresh(size_t at) {
    SequenceState fresh = machine_.make();
    if (!tokens_[at].empty()) machine_.append(fresh, tokens_[at]);
    ASSERT_EQ(digest_of(states_[at]), digest_of(fresh))
        << "state " << at << " of " << tokens_[at].size() << " tokens";
  }

  const Machine& machine_;
  RandomNumbers random_;
  std::vector<SequenceState> states_;
  std::vector<std::vector<int32_t>> tokens_;
  std::string saved_;
  std::vector<int32_t> saved_tokens_;
};

TEST(StatePrograms, OfStampedRowsEndInTheStateOfTheirTokens) {
  const StampedModel model;
  const Machine machine{
      [&] { return model.make_state(); },
      [&](SequenceState& state, std::span<const int32_t> tokens) { model.append(state, tokens); },
      model.config().vocab_size, 300};
  for (Rounds rounds("state programs, stamped", 10000); rounds.next();) {
    SCOPED_TRACE(rounds.seed());
    Program(machine, rounds.seed()).run(40);
    ASSERT_FALSE(HasFailure());
  }
}

// A random model with its own activations.
class RealModel {
 public:
  static constexpr int kTokens = 80;

  explicit RealModel(uint64_t seed)
      : model_(make_random_model(seed)),
        pool_(ThreadPool::create(1).value()),
        acts_(Activations::create(model_.config(),
                                  {.batch_tokens = kTokens, .logit_rows = kTokens, .workers = 1})
                  .value()) {}

  Machine machine() {
    return {[this] { return SequenceState::create(model_.config(), 0, RowPrecision::kPacked).value(); },
            [this](SequenceState& state, std::span<const int32_t> tokens) { append(state, tokens); },
            model_.config().vocab_size, kTokens};
  }

 private:
  void append(SequenceState& state, std::span<const int32_t> tokens) {
    FATHOM_CHECK(state.reserve(state.position() + static_cast<int64_t>(tokens.size())).ok());
    const SequenceSpan span{&state, tokens, LogitsWanted::kNone};
    forward(model_.model(), *pool_, {.draft = model_.draft()}, {&span, 1}, acts_);
  }

  LoadedRandomModel model_;
  std::unique_ptr<ThreadPool> pool_;
  Activations acts_;
};

// Logits follow from the state and the next token; equal states give equal ones (tests/invariance).
TEST(StatePrograms, OfRandomModelsEndInTheStateOfTheirTokens) {
  std::vector<std::unique_ptr<RealModel>> models;
  for (const uint64_t seed : {0, 2, 3, 4, 10, 11}) models.push_back(std::make_unique<RealModel>(seed));
  for (Rounds rounds("state programs, random models", 300); rounds.next();) {
    SCOPED_TRACE(rounds.seed());
    const Machine machine = models[rounds.seed() % models.size()]->machine();
    Program(machine, rounds.seed()).run(15);
    ASSERT_FALSE(HasFailure());
  }
}

// Restoring what another config or precision saved, or what was cut or changed, is refused; the state is
// empty then and of use.
TEST(SavedState, OfAnotherShapeOrLengthIsRefused) {
  const StampedModel model;
  const std::string good = saved(model.evaluate(std::vector<int32_t>(77, 5)));
  SequenceState state = model.make_state();
  for (size_t length = 0; length < good.size(); length += length < 400 ? 1 : 97) {
    ASSERT_FALSE(state.restore(bytes(good.substr(0, length))).ok()) << length;
    ASSERT_EQ(state.position(), 0);
  }
  EXPECT_EQ(state.restore(bytes(good + "x")).code(), StatusCode::kCorrupt);
  auto packed = SequenceState::create(model.config(), 0, RowPrecision::kPacked);
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(packed->restore(bytes(good)).code(), StatusCode::kInvalidArgument);
  ModelConfig other = model.config();
  other.layers[1].compress_ratio = 8;
  EXPECT_EQ(SequenceState::create(other, 0)->restore(bytes(good)).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(state.restore(bytes(good)).ok());
  EXPECT_TRUE(saved(state) == good);
}

// Every length of the head's numbers: refused or restored, never more than the bytes given (D-5).
TEST(SavedState, WithAnyNumbersInItsHeadIsRefusedOrTheSame) {
  const StampedModel model;
  const std::string good = saved(model.evaluate(std::vector<int32_t>(33, 5)));
  SequenceState state = model.make_state();
  for (size_t at = 0; at < 16 + 30 * 8; ++at) {
    for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      std::string changed = good;
      changed[at] = static_cast<char>(value);
      const Status status = state.restore(bytes(changed));
      ASSERT_EQ(status.ok(), changed == good) << at << " " << value;
    }
  }
}

TEST(Fork, SharesFullPagesAndNothingThatIsWritten) {
  const StampedModel model;
  std::vector<int32_t> tokens(4 * 32 * 4 + 13, 9);  // four full pages of CSA entries and a bit
  SequenceState state = model.evaluate(tokens);
  auto fork = state.fork(0);
  ASSERT_TRUE(fork.ok());
  const RowStore& ours = state.layer(1).compressor->entries;
  const RowStore& theirs = fork->layer(1).compressor->entries;
  EXPECT_EQ(std::as_const(ours).bytes(0), theirs.bytes(0)) << "a full page is shared";
  EXPECT_NE(ours.bytes(ours.size() - 1), theirs.bytes(ours.size() - 1)) << "the open one is not";
  const std::string before = saved(state);
  model.append(*fork, std::vector<int32_t>(300, 4));
  EXPECT_TRUE(saved(state) == before);
}

TEST(Trim, BelowWhatIsKeptIsRefusedAndChangesNothing) {
  const StampedModel model;
  SequenceState state = model.evaluate(std::vector<int32_t>(50, 3));
  const std::string before = saved(state);
  EXPECT_EQ(state.undo_floor(), 42);
  for (const int64_t to : {41, 0, -1, 51}) EXPECT_EQ(state.trim(to).code(), StatusCode::kOutOfRange) << to;
  EXPECT_TRUE(saved(state) == before);
  ASSERT_TRUE(state.trim(45).ok());
  EXPECT_EQ(state.undo_floor(), 42) << "what was undone does not come back as depth";
  EXPECT_EQ(state.trim(41).code(), StatusCode::kOutOfRange);
  EXPECT_TRUE(state.trim(42).ok());
}

}  // namespace
}  // namespace fathom
