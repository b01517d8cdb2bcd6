// SPDX-License-Identifier: MIT
// The cache never changes an answer (reliability.md C-2, D-1): random conversations with random models, cold,
// from RAM, from disk, from disk after a restart, and continued from every border.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cache/cache_fixture.h"
#include "invariance/sequence_runner.h"
#include "support/random_numbers.h"
#include "support/rounds.h"

namespace fathom {
namespace {

constexpr int kMostPrompt = 110;
constexpr int kAnswer = 6;

// The tokens of an answer and the bits of all logits on the way.
struct Answer {
  std::vector<int32_t> tokens;
  Digest logits{};

  friend bool operator==(const Answer&, const Answer&) = default;
};

// A random model that answers greedily.
class Answerer {
 public:
  explicit Answerer(uint64_t seed)
      : model_(make_random_model(seed)),
        pool_(ThreadPool::create(1).value()),
        acts_(
            Activations::create(model_.config(), {.batch_tokens = kMostPrompt, .logit_rows = 1, .workers = 1})
                .value()) {}

  const ModelConfig& config() const noexcept { return model_.config(); }
  CacheIdentity identity() const {
    CacheIdentity identity;
    identity.numerics = "test";
    identity.draft_layer = model_.draft() == DraftLayer::kRun;
    return identity;
  }

  // Looks up and stores as the engine does; no cache: cold.
  Answer answer(std::span<const int32_t> prompt, PrefixCache* cache, RandomNumbers& random) {
    SequenceState state = make_state();
    if (cache != nullptr) {
      const auto hit = cache->restore(tenant("a"), prompt.first(prompt.size() - 1), state);
      FATHOM_CHECK(hit.ok());
      hit_tokens_ += hit->tokens;
      const int64_t ends[] = {random.whole(0, kMostPrompt), random.whole(0, kMostPrompt)};
      for (const int64_t border : cache->borders(tenant("a"), prompt, hit->tokens, ends)) {
        feed(state, prompt.subspan(static_cast<size_t>(state.position()),
                                   static_cast<size_t>(border - state.position())));
        cache->store(tenant("a"), state);
      }
    }
    const Answer out = finish(state, prompt);
    if (cache != nullptr) cache->store(tenant("a"), state);
    return out;
  }

  // The same from what the cache has of the first `border` tokens.
  Answer continue_from(int64_t border, std::span<const int32_t> prompt, PrefixCache& cache) {
    SequenceState state = make_state();
    const auto hit = cache.restore(tenant("a"), prompt.first(static_cast<size_t>(border)), state);
    FATHOM_CHECK(hit.ok());
    return finish(state, prompt);
  }

  int64_t hit_tokens() const noexcept { return hit_tokens_; }

 private:
  SequenceState make_state() {
    return SequenceState::create(model_.config(), 0, RowPrecision::kPacked).value();
  }

  // Logits of the last token.
  std::span<const float> feed(SequenceState& state, std::span<const int32_t> tokens) {
    FATHOM_CHECK(state.reserve(state.position() + static_cast<int64_t>(tokens.size())).ok());
    const SequenceSpan span{&state, tokens, LogitsWanted::kLast};
    return forward(model_.model(), *pool_, {.draft = model_.draft()}, {&span, 1}, acts_).logits.row_span(0);
  }

  Answer finish(SequenceState& state, std::span<const int32_t> prompt) {
    Answer out;
    auto logits = feed(state, prompt.subspan(static_cast<size_t>(state.position())));
    for (int i = 0; i < kAnswer; ++i) {
      out.logits = sha256({std::as_bytes(std::span(out.logits)), std::as_bytes(logits)});
      const auto best = static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
      out.tokens.push_back(best);
      if (i + 1 < kAnswer) logits = feed(state, {&best, 1});
    }
    return out;
  }

  LoadedRandomModel model_;
  std::unique_ptr<ThreadPool> pool_;
  Activations acts_;
  int64_t hit_tokens_ = 0;
};

// New prompts, prompts that part from an earlier one, and conversations that go on after their answer.
class Prompts {
 public:
  Prompts(int vocab_size, RandomNumbers& random) : vocab_size_(vocab_size), random_(random) {}

  std::vector<int32_t> next() {
    std::vector<int32_t> prompt;
    if (!last_.empty() && random_.whole(0, 3) > 0) {
      prompt.assign(last_.begin(), last_.begin() + random_.whole(0, static_cast<int>(last_.size())));
    }
    const int room = kMostPrompt - static_cast<int>(prompt.size());
    for (int added = random_.whole(1, std::max(1, room / 2)); added > 0; --added) {
      prompt.push_back(random_.whole(0, vocab_size_ - 1));
    }
    return prompt;
  }
  void answered(std::vector<int32_t> prompt, const Answer& answer) {
    prompt.insert(prompt.end(), answer.tokens.begin(), answer.tokens.end());
    if (prompt.size() > kMostPrompt - 20) prompt.resize(40);
    last_ = std::move(prompt);
  }

 private:
  int vocab_size_;
  RandomNumbers& random_;
  std::vector<int32_t> last_;
};

void run_conversations(uint64_t seed, int conversations) {
  Answerer model(seed);
  ScratchDirectory directory(concat("conversations_", seed));
  ScratchDirectory restarted(concat("restarted_", seed));
  const PrefixCacheOptions in_ram{.ram_bytes = 1 << 24, .disk_dir = {}, .tenant_share = 1.0};
  const PrefixCacheOptions on_disk{.disk_dir = directory.path(), .disk_bytes = 1 << 24, .tenant_share = 1.0};
  const PrefixCacheOptions again{
      .ram_bytes = 1 << 18, .disk_dir = restarted.path(), .disk_bytes = 1 << 24, .tenant_share = 1.0};
  const auto ram = open_cache(in_ram, model.config(), model.identity());
  const auto disk = open_cache(on_disk, model.config(), model.identity());
  RandomNumbers random(seed + 1000);
  Prompts prompts(model.config().vocab_size, random);
  for (int i = 0; i < conversations; ++i) {
    const std::vector<int32_t> prompt = prompts.next();
    const Answer cold = model.answer(prompt, nullptr, random);
    EXPECT_EQ(model.answer(prompt, ram.get(), random), cold) << "RAM, " << i;
    EXPECT_EQ(model.answer(prompt, disk.get(), random), cold) << "disk, " << i;
    const auto fresh = open_cache(again, model.config(), model.identity());
    EXPECT_EQ(model.answer(prompt, fresh.get(), random), cold) << "after a restart, " << i;
    const auto end = static_cast<int64_t>(prompt.size());
    for (int64_t border = 0; border < end; border += ram->border_tokens()) {
      EXPECT_EQ(model.continue_from(border, prompt, *ram), cold) << "from " << border << ", " << i;
    }
    EXPECT_EQ(model.continue_from(end - 1, prompt, *ram), cold) << "from the end, " << i;
    prompts.answered(prompt, cold);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  EXPECT_GT(model.hit_tokens(), conversations * 10) << "the caches were of use";
  for (PrefixCache* cache : {ram.get(), disk.get()}) {
    for (const int64_t errors : cache->stats().errors) EXPECT_EQ(errors, 0);
  }
}

// 1,000 in all: ten models of all kinds of layers and storages, with and without a draft layer.
TEST(Conversations, AnswerTheSameFromEveryPlaceTheirPrefixIsKept) {
  for (Rounds rounds("models with 100 conversations", 10); rounds.next();) {
    SCOPED_TRACE(rounds.seed());
    run_conversations(rounds.seed(), 100);
    ASSERT_FALSE(HasFailure());
  }
}

}  // namespace
}  // namespace fathom
