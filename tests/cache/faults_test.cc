// SPDX-License-Identifier: MIT
// Refused file calls (reliability.md C-6): answers stay right, good files stay, the disk tier goes off and
// comes back, and fsync is never tried twice on a file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "cache/cache_fixture.h"
#include "cache/stamped_model.h"
#include "support/failing_io.h"
#include "support/hooked_io.h"

namespace fathom {
namespace {

using std::chrono::milliseconds;

class FaultsTest : public testing::Test {
 protected:
  FaultsTest() : directory_(testing::UnitTest::GetInstance()->current_test_info()->name()) {}

  PrefixCacheOptions options(IoEnv& env) const {
    return {.disk_dir = directory_.path(),
            .disk_bytes = 1 << 24,
            .tenant_share = 1.0,
            .io_env = &env,
            .clock = &clock_};
  }
  std::vector<int32_t> tokens(int branch) const { return branch_tokens(70, 32, branch); }

  int64_t look_up(PrefixCache& cache, int branch) {
    SequenceState state = model_.make_state();
    const auto hit = cache.restore(tenant("a"), tokens(branch), state);
    FATHOM_CHECK(hit.ok());
    std::vector<int32_t> prefix = tokens(branch);
    prefix.resize(static_cast<size_t>(hit->tokens));
    EXPECT_EQ(digest_of(state), digest_of(model_.evaluate(prefix)));
    return hit->tokens;
  }
  void store(PrefixCache& cache, int branch) { cache.store(tenant("a"), model_.evaluate(tokens(branch))); }

  // Two prefixes that were there before anything went wrong.
  void begin() {
    std::filesystem::remove_all(directory_.path());
    const auto cache = open_cache(options(system_io()), model_.config());
    store(*cache, 0);
    store(*cache, 1);
  }
  // Opens, finds, writes, finds, closes.
  void use(IoEnv& env) {
    const auto cache = open_cache(options(env), model_.config());
    look_up(*cache, 0);
    store(*cache, 2);
    store(*cache, 3);
    cache->flush();
    look_up(*cache, 1);
    look_up(*cache, 2);
  }
  // All that was there is there, nothing is left over, and what is served is right.
  void expect_intact() {
    const auto cache = open_cache(options(system_io()), model_.config());
    EXPECT_EQ(look_up(*cache, 0), 70);
    EXPECT_EQ(look_up(*cache, 1), 70);
    look_up(*cache, 2);
    look_up(*cache, 3);
    EXPECT_EQ(cache->stats().count(CacheError::kCorrupt), 0);
    EXPECT_EQ(static_cast<int64_t>(directory_.names().size()), cache->stats().disk_segments);
  }

  StampedModel model_;
  ScratchDirectory directory_;
  ManualClock clock_;
};

TEST_F(FaultsTest, EveryCallMayFailOnce) {
  begin();
  FailingIo counting;
  use(counting);
  ASSERT_GE(counting.calls(), 30);
  for (const int error : {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, EACCES, EINTR}) {
    for (int n = 1; n <= counting.calls(); ++n) {
      begin();
      FailingIo failing(n, error);
      use(failing);
      EXPECT_EQ(failing.open_descriptors(), 0);
      expect_intact();
      ASSERT_FALSE(HasFailure()) << "errno " << error << " at call " << n;
    }
  }
}

TEST_F(FaultsTest, EveryCallMayFailForEver) {
  begin();
  FailingIo counting;
  use(counting);
  for (const int error : {EIO, ENOSPC, EMFILE}) {
    for (int n = 1; n <= counting.calls(); ++n) {
      begin();
      int calls = 0;
      HookedIo failing([&](const IoEvent&) { return ++calls >= n ? -error : 0; });
      use(failing);
      expect_intact();
      ASSERT_FALSE(HasFailure()) << "errno " << error << " from call " << n;
    }
  }
}

TEST_F(FaultsTest, AFullDiskTurnsTheTierOffUntilThereIsRoomAgain) {
  begin();
  bool full = true;
  int writes = 0;
  HookedIo env([&](const IoEvent& event) {
    if (event.call == IoCall::kWrite) ++writes;
    return full && event.call == IoCall::kWrite ? -ENOSPC : 0;
  });
  const auto cache = open_cache(options(env), model_.config());
  EXPECT_TRUE(cache->stats().disk_on);
  store(*cache, 2);
  cache->flush();
  EXPECT_FALSE(cache->stats().disk_on);
  EXPECT_EQ(cache->stats().count(CacheError::kWrite), 1);
  EXPECT_EQ(look_up(*cache, 0), 70) << "reading goes on";
  store(*cache, 3);
  cache->flush();
  EXPECT_EQ(writes, 1) << "not tried again at once";
  clock_.advance(milliseconds(1500));
  store(*cache, 3);
  cache->flush();
  EXPECT_EQ(writes, 2);
  clock_.advance(milliseconds(1500));
  store(*cache, 3);
  cache->flush();
  EXPECT_EQ(writes, 2) << "the second wait is longer";
  full = false;
  clock_.advance(milliseconds(1000));
  store(*cache, 3);
  cache->flush();
  EXPECT_TRUE(cache->stats().disk_on);
  EXPECT_EQ(look_up(*cache, 3), 70);
}

// The first failure may have lost the bytes, and a second fsync would say that all is well.
TEST_F(FaultsTest, AFailedSyncThrowsTheFileAwayAndIsNeverRepeated) {
  for (const int failing : {1, 2}) {  // of the file, of the directory
    begin();
    std::set<int> failed;
    int syncs = 0;
    HookedIo env([&](const IoEvent& event) {
      if (event.call == IoCall::kCreate) failed.clear();  // descriptors are given out again
      if (event.call != IoCall::kSync) return 0;
      EXPECT_FALSE(failed.contains(event.file));
      if (++syncs != failing) return 0;
      failed.insert(event.file);
      return -EIO;
    });
    const auto cache = open_cache(options(env), model_.config());
    store(*cache, 2);
    cache->flush();
    EXPECT_EQ(cache->stats().count(CacheError::kSync), 1);
    EXPECT_EQ(cache->stats().written, 0);
    EXPECT_EQ(look_up(*cache, 2), 0);
    EXPECT_EQ(directory_.names().size(), 2u);
  }
}

// A file system of 32 MB that others fill too, less than the tier's budget.
TEST_F(FaultsTest, OnAFileSystemSmallerThanItsBudgetAnswersStayRight) {
  begin();
  constexpr int64_t kCapacity = 400'000;
  HookedIo env([&](const IoEvent& event) {
    const bool full = event.call == IoCall::kWrite &&
                      directory_.bytes() + static_cast<int64_t>(event.bytes.size()) > kCapacity;
    return full ? -ENOSPC : 0;
  });
  const auto cache = open_cache(options(env), model_.config());
  for (int branch = 0; branch < 300; ++branch) {
    clock_.advance(milliseconds(100'000));
    store(*cache, branch);
    cache->flush();
    look_up(*cache, branch);
    look_up(*cache, branch / 2);
    ASSERT_LE(directory_.bytes(), kCapacity);
  }
  EXPECT_GT(cache->stats().count(CacheError::kWrite), 0);
  expect_intact();
}

// What cannot be removed keeps its place in the budget, and nothing is written over it.
TEST_F(FaultsTest, WithoutLeaveToRemoveTheBudgetHolds) {
  begin();
  const int64_t budget = directory_.bytes();
  HookedIo env([&](const IoEvent& event) { return event.call == IoCall::kRemove ? -EACCES : 0; });
  PrefixCacheOptions tight = options(env);
  tight.disk_bytes = budget;
  const auto cache = open_cache(tight, model_.config());
  for (int branch = 2; branch < 6; ++branch) {
    clock_.advance(milliseconds(100'000));
    store(*cache, branch);
    cache->flush();
    EXPECT_LE(directory_.bytes(), budget);
    EXPECT_EQ(cache->stats().disk_bytes, budget);
  }
  EXPECT_GT(cache->stats().count(CacheError::kRemove), 0);
  EXPECT_EQ(look_up(*cache, 0), 70);
}

}  // namespace
}  // namespace fathom
