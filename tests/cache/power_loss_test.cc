// SPDX-License-Identifier: MIT
// Power loss at any moment (reliability.md C-4): whatever the disk kept of what was not synced, what was
// acknowledged is served, what is served is right, and the start leaves no orphans.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cache/cache_fixture.h"
#include "cache/disk_image.h"
#include "cache/stamped_model.h"
#include "support/rounds.h"

namespace fathom {
namespace {

constexpr int kTokens = 90;

class PowerLossTest : public testing::Test {
 protected:
  PowerLossTest()
      : directory_(testing::UnitTest::GetInstance()->current_test_info()->name()),
        image_(concat(testing::UnitTest::GetInstance()->current_test_info()->name(), "_image")) {
    HookedIo env([](const IoEvent&) { return 0; });
    log_.watch(env);
    const auto cache = open_cache(options(env, directory_), model_.config());
    RandomNumbers random(5);
    for (int i = 0; i < 14; ++i) {
      const std::pair<int, int> what = {random.whole(0, 5), random.whole(1, kTokens)};
      const int64_t written = cache->stats().written;
      cache->store(tenant("a"), model_.evaluate(prefix(what)));
      cache->flush();
      if (cache->stats().written > written) log_.acknowledge(what);
    }
  }

  static PrefixCacheOptions options(IoEnv& env, const ScratchDirectory& directory) {
    return {.disk_dir = directory.path(), .disk_bytes = 1 << 24, .tenant_share = 1.0, .io_env = &env};
  }
  static std::vector<int32_t> prefix(std::pair<int, int> what) {
    std::vector<int32_t> tokens = branch_tokens(kTokens, 40, what.first);
    tokens.resize(static_cast<size_t>(what.second));
    return tokens;
  }

  int64_t look_up(PrefixCache& cache, const std::vector<int32_t>& tokens) {
    SequenceState state = model_.make_state();
    const auto hit = cache.restore(tenant("a"), tokens, state);
    FATHOM_CHECK(hit.ok());
    EXPECT_EQ(digest_of(state),
              digest_of(model_.evaluate(std::span(tokens).first(static_cast<size_t>(hit->tokens)))));
    return hit->tokens;
  }

  void make_image(size_t length, DiskLog::Fsync fsync, RandomNumbers& random) {
    std::filesystem::remove_all(image_.path());
    std::filesystem::create_directories(image_.path());
    log_.write_image(length, fsync, random, image_.path());
  }

  StampedModel model_;
  ScratchDirectory directory_;
  ScratchDirectory image_;
  DiskLog log_;
};

TEST_F(PowerLossTest, LosesNothingThatWasAcknowledgedAndServesNothingElse) {
  ASSERT_GE(log_.size(), 60u);
  for (Rounds rounds("images after power loss", 2000); rounds.next();) {
    RandomNumbers random(rounds.seed());
    const auto length = static_cast<size_t>(random.whole(0, static_cast<int>(log_.size())));
    make_image(length, DiskLog::Fsync::kKept, random);
    const auto cache = open_cache(options(system_io(), image_), model_.config());
    EXPECT_TRUE(cache->stats().disk_on);
    EXPECT_EQ(cache->stats().count(CacheError::kCorrupt), 0) << "a name without its bytes";
    EXPECT_EQ(static_cast<int64_t>(image_.names().size()), cache->stats().disk_segments) << "orphans";
    for (const auto& what : log_.acknowledged(length)) EXPECT_EQ(look_up(*cache, prefix(what)), what.second);
    for (int branch = 0; branch < 6; ++branch) look_up(*cache, prefix({branch, kTokens}));
    ASSERT_FALSE(HasFailure()) << "seed " << rounds.seed() << ", " << length << " operations";
  }
}

// A disk that does not do what fsync asks loses segments; still nothing wrong is served, and no start fails.
TEST_F(PowerLossTest, OnADiskThatLiesAboutFsyncNothingWrongIsServed) {
  int64_t corrupt = 0;
  for (Rounds rounds("images of a lying disk", 300); rounds.next();) {
    RandomNumbers random(rounds.seed());
    const auto length = static_cast<size_t>(random.whole(0, static_cast<int>(log_.size())));
    make_image(length, DiskLog::Fsync::kLies, random);
    const auto cache = open_cache(options(system_io(), image_), model_.config());
    for (int branch = 0; branch < 6; ++branch) look_up(*cache, prefix({branch, kTokens}));
    corrupt += cache->stats().count(CacheError::kCorrupt);
    ASSERT_FALSE(HasFailure()) << "seed " << rounds.seed() << ", " << length << " operations";
  }
  EXPECT_GT(corrupt, 100) << "the images hold damage";
}

}  // namespace
}  // namespace fathom
