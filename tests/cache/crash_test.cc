// SPDX-License-Identifier: MIT
// kill -9 at every step and at random times, two processes in one directory, and budgets at every step
// (reliability.md C-3, C-8, C-9). A crash point is a file call: all steps of writing are file calls, so no
// product code knows of crashes.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "cache/cache_fixture.h"
#include "cache/stamped_model.h"
#include "support/hooked_io.h"
#include "support/random_numbers.h"
#include "support/rounds.h"

namespace fathom {
namespace {

constexpr int kTokens = 90;

// What a process told that it has written: (branch, length).
using Acknowledged = std::set<std::pair<int, int>>;

class CrashTest : public testing::Test {
 protected:
  CrashTest() : directory_(testing::UnitTest::GetInstance()->current_test_info()->name()) {}

  PrefixCacheOptions options(IoEnv& env) const {
    return {.disk_dir = directory_.path(), .disk_bytes = 1 << 26, .tenant_share = 1.0, .io_env = &env};
  }

  // Stores prefixes at random and tells which ones are safe, until it is killed.
  void store_for_ever(IoEnv& env, uint64_t seed, int tell) const {
    const auto cache = open_cache(options(env), model_.config());
    RandomNumbers random(seed);
    int64_t written = cache->stats().written;
    for (;;) {
      const int branch = random.whole(0, 30);
      const int length = random.whole(1, kTokens);
      const auto tokens = branch_tokens(kTokens, 40, branch);
      cache->store(tenant("a"), model_.evaluate(std::span(tokens).first(static_cast<size_t>(length))));
      cache->flush();
      if (cache->stats().written == written) continue;
      written = cache->stats().written;
      const int told[] = {branch, length};
      if (::write(tell, told, sizeof told) != sizeof told) std::_Exit(3);
    }
  }

  // Runs the writer in a process of its own until it ends; adds what it told.
  template <typename Writer>
  void run_writer(Writer writer, int kill_after_us, Acknowledged& acknowledged) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      writer(ends[1]);
      std::_Exit(0);
    }
    ::close(ends[1]);
    if (kill_after_us > 0) {
      ::usleep(static_cast<useconds_t>(kill_after_us));
      ::kill(child, SIGKILL);
    }
    int told[2];
    while (::read(ends[0], told, sizeof told) == sizeof told) acknowledged.emplace(told[0], told[1]);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the writer ended by itself: " << status;
  }

  // Starts; every acknowledged prefix is served, all that is served is right, and nothing is left over.
  void expect_survived(const Acknowledged& acknowledged) {
    const auto cache = open_cache(options(system_io()), model_.config());
    const CacheStats stats = cache->stats();
    EXPECT_TRUE(stats.disk_on);
    EXPECT_EQ(stats.count(CacheError::kCorrupt), 0);
    EXPECT_EQ(static_cast<int64_t>(directory_.names().size()), stats.disk_segments) << "orphans";
    for (const auto& [branch, length] : acknowledged) {
      std::vector<int32_t> tokens = branch_tokens(kTokens, 40, branch);
      tokens.resize(static_cast<size_t>(length));
      SequenceState state = model_.make_state();
      EXPECT_EQ(cache->restore(tenant("a"), tokens, state)->tokens, length) << "branch " << branch;
      EXPECT_EQ(digest_of(state), digest_of(model_.evaluate(tokens)));
    }
  }

  StampedModel model_;
  ScratchDirectory directory_;
};

// The Nth call of each kind of the writer's, before it is made; a write is torn in half first.
TEST_F(CrashTest, KilledAtEveryStepLosesNothingThatWasAcknowledged) {
  Acknowledged acknowledged;
  const IoCall steps[] = {IoCall::kMakeDirectory, IoCall::kOpen,  IoCall::kList, IoCall::kCreate,
                          IoCall::kLock,          IoCall::kWrite, IoCall::kSync, IoCall::kRename};
  int64_t kills = 0;
  for (Rounds rounds("kills at file calls", 15); rounds.next();) {
    RandomNumbers random(rounds.seed());
    for (const IoCall step : steps) {
      int left = random.whole(1, 12);
      if (step == IoCall::kMakeDirectory || step == IoCall::kList) left = 1;
      // Of the directory, then of every file in it.
      if (step == IoCall::kOpen) left = random.whole(1, 1 + static_cast<int>(directory_.names().size()));
      HookedIo env([&](const IoEvent& event) {
        if (event.call != step || --left > 0) return 0;
        if (step == IoCall::kWrite && ::write(event.file, event.bytes.data(), event.bytes.size() / 2) < 0)
          return 0;
        ::raise(SIGKILL);
        return 0;
      });
      run_writer([&](int tell) { store_for_ever(env, random.whole(0, 1 << 30), tell); }, 0, acknowledged);
      expect_survived(acknowledged);
      ASSERT_FALSE(HasFailure()) << "round " << rounds.done() << " step " << static_cast<int>(step);
      ++kills;
    }
    if (rounds.done() % 3 == 0) {
      std::filesystem::remove_all(directory_.path());
      acknowledged.clear();
    }
  }
  EXPECT_GE(kills, 100);
}

TEST_F(CrashTest, KilledAtRandomTimesLosesNothingThatWasAcknowledged) {
  Acknowledged acknowledged;
  for (Rounds rounds("kills at random times", 80); rounds.next();) {
    RandomNumbers random(rounds.seed());
    run_writer([&](int tell) { store_for_ever(system_io(), rounds.seed(), tell); }, random.whole(1, 6'000),
               acknowledged);
    expect_survived(acknowledged);
    ASSERT_FALSE(HasFailure()) << "round " << rounds.done();
    if (rounds.done() % 3 == 0) {
      std::filesystem::remove_all(directory_.path());
      acknowledged.clear();
    }
  }
}

// C-9: both write, evict and look up. The exit status is the number of wrong answers.
TEST_F(CrashTest, TwoProcessesInOneDirectoryGiveNoWrongAnswer) {
  int64_t size = 0;
  {
    const auto cache = open_cache(options(system_io()), model_.config());
    cache->store(tenant("a"), model_.evaluate(branch_tokens(kTokens, 40, 0)));
    size = cache->stats().disk_bytes;
  }
  std::vector<pid_t> children;
  for (int process = 0; process < 2; ++process) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      PrefixCacheOptions tight = options(system_io());
      tight.disk_bytes = 10 * size;
      const auto cache = open_cache(tight, model_.config());
      int wrong = 0;
      int64_t hits = 0;
      RandomNumbers random(static_cast<uint64_t>(process) + 1);
      for (Rounds rounds("look-ups of one of two processes", 1500); rounds.next();) {
        std::vector<int32_t> tokens = branch_tokens(kTokens, 40, random.whole(0, 15));
        tokens.resize(static_cast<size_t>(random.whole(1, kTokens)));
        SequenceState state = model_.make_state();
        const auto hit = cache->restore(tenant("a"), tokens, state);
        hits += hit->tokens > 0 ? 1 : 0;
        tokens.resize(static_cast<size_t>(hit->tokens));
        if (digest_of(state) != digest_of(model_.evaluate(tokens))) ++wrong;
        const auto more = branch_tokens(kTokens, 40, random.whole(0, 15));
        cache->store(tenant("a"),
                     model_.evaluate(std::span(more).first(static_cast<size_t>(random.whole(1, kTokens)))));
      }
      std::_Exit(hits < 100 ? 200 : std::min(wrong, 100));
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  expect_survived({});
}

// C-8: before every call that could add bytes or names, temporary files included.
TEST_F(CrashTest, TheDirectoryNeverPassesItsBudget) {
  constexpr int64_t kBudget = 200'000;
  int64_t most = 0;
  HookedIo env([](const IoEvent&) { return 0; });
  env.set_after([&](const IoEvent& event, int64_t) {
    if (event.call == IoCall::kWrite || event.call == IoCall::kRename)
      most = std::max(most, directory_.bytes());
  });
  PrefixCacheOptions tight = options(env);
  tight.disk_bytes = kBudget;
  tight.ram_bytes = kBudget;
  tight.tenant_share = 0.5;
  {
    const auto cache = open_cache(tight, model_.config());
    RandomNumbers random(1);
    for (Rounds rounds("inserts within a budget", 3000); rounds.next();) {
      const auto tokens = branch_tokens(kTokens, 40, random.whole(0, 200));
      const std::string key(1, static_cast<char>('a' + random.whole(0, 3)));
      cache->store(tenant(key),
                   model_.evaluate(std::span(tokens).first(static_cast<size_t>(random.whole(1, kTokens)))));
      if (rounds.done() % 10 == 0) cache->flush();
      ASSERT_LE(cache->stats().ram_bytes, kBudget);
      ASSERT_LE(cache->stats().disk_bytes, kBudget);
    }
    cache->flush();
    EXPECT_EQ(cache->stats().disk_bytes, directory_.bytes());
    EXPECT_GT(cache->stats().disk_evictions, 100);
  }
  EXPECT_LE(most, kBudget);
  EXPECT_GT(most, kBudget / 2);
  // A smaller budget at the next start is kept from the start on.
  tight.disk_bytes = kBudget / 4;
  const auto cache = open_cache(tight, model_.config());
  cache->flush();
  EXPECT_LE(directory_.bytes(), kBudget / 4);
}

}  // namespace
}  // namespace fathom
