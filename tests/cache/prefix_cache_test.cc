// SPDX-License-Identifier: MIT
// What the prefix cache finds, keeps and forgets (design.md 12; reliability.md 7), on stamped states.
#include "cache/prefix_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "cache/cache_fixture.h"
#include "cache/stamped_model.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;

class PrefixCacheTest : public testing::Test {
 protected:
  PrefixCacheTest() : directory_(testing::UnitTest::GetInstance()->current_test_info()->name()) {}

  PrefixCacheOptions ram(int64_t bytes = 1 << 24) {
    return {.ram_bytes = bytes, .disk_dir = {}, .tenant_share = 1.0};
  }
  PrefixCacheOptions disk(int64_t bytes = 1 << 24) {
    return {.disk_dir = directory_.path(), .disk_bytes = bytes, .tenant_share = 1.0};
  }

  void store(PrefixCache& cache, std::span<const int32_t> tokens, std::string_view key = "a") {
    cache.store(tenant(key), model_.evaluate(tokens));
  }
  // Looks up, and compares with a fresh evaluation.
  CacheHit look_up(PrefixCache& cache, std::span<const int32_t> tokens, std::string_view key = "a") {
    SequenceState state = model_.evaluate(branch_tokens(20, 0, 77));  // of something else
    const auto hit = cache.restore(tenant(key), tokens, state);
    FATHOM_CHECK(hit.ok());
    EXPECT_EQ(state.position(), hit->tokens);
    const auto prefix = tokens.first(static_cast<size_t>(hit->tokens));
    EXPECT_EQ(digest_of(state), digest_of(model_.evaluate(prefix)));
    // What is restored continues as if it had never stopped.
    model_.append(state, tokens.subspan(prefix.size()));
    EXPECT_EQ(digest_of(state), digest_of(model_.evaluate(tokens)));
    return *hit;
  }

  StampedModel model_;
  ScratchDirectory directory_;
};

TEST_F(PrefixCacheTest, FindsTheLongestStoredPrefixOfAnyLength) {
  for (const bool in_ram : {true, false}) {
    const auto cache = open_cache(in_ram ? ram() : disk(), model_.config());
    const std::vector<int32_t> tokens = branch_tokens(300, 300, 0);
    EXPECT_EQ(look_up(*cache, tokens).tokens, 0);
    for (const size_t length : {1, 31, 32, 33, 100, 101, 256, 299}) {
      store(*cache, std::span(tokens).first(length));
      EXPECT_EQ(look_up(*cache, tokens).tokens, static_cast<int64_t>(length));
    }
    for (const auto& [asked, found] : std::vector<std::pair<int, int>>{
             {0, 0}, {1, 1}, {30, 1}, {31, 31}, {32, 32}, {99, 33}, {255, 101}, {300, 299}}) {
      const CacheHit hit = look_up(*cache, std::span(tokens).first(static_cast<size_t>(asked)));
      EXPECT_EQ(hit.tokens, found) << asked;
      const CacheTier tier = in_ram ? CacheTier::kRam : CacheTier::kDisk;
      EXPECT_EQ(hit.tier, found > 0 ? tier : CacheTier::kNone);
    }
    EXPECT_EQ(cache->stats().stored, 8);
    store(*cache, std::span(tokens).first(101));
    EXPECT_EQ(cache->stats().stored, 8) << "what is there is not stored again";
  }
}

TEST_F(PrefixCacheTest, SequencesThatPartShareWhatTheyHaveInCommon) {
  const auto cache = open_cache(ram(), model_.config());
  const auto first = branch_tokens(200, 150, 1);
  const auto second = branch_tokens(200, 150, 2);
  EXPECT_TRUE(cache->borders(tenant("a"), first, 0, {}) == std::vector<int64_t>({192}));
  store(*cache, first);
  EXPECT_EQ(look_up(*cache, second).tokens, 0) << "nothing was stored within";
  // 150 rounded down to the block: where the second prompt closes a segment.
  EXPECT_TRUE(cache->borders(tenant("a"), second, 0, {}) == std::vector<int64_t>({128, 192}));
  store(*cache, std::span(second).first(128));
  store(*cache, second);
  EXPECT_EQ(look_up(*cache, branch_tokens(200, 150, 3)).tokens, 128);
  EXPECT_EQ(look_up(*cache, first).tokens, 200);
  EXPECT_EQ(look_up(*cache, second).tokens, 200);
}

TEST_F(PrefixCacheTest, BordersAreRoundedDownAboveTheStartAndBelowTheEnd) {
  const auto cache = open_cache(ram(), model_.config());
  ASSERT_EQ(cache->border_tokens(), 32);
  const auto prompt = branch_tokens(5000, 0, 1);
  const std::vector<int64_t> ends = {10, 40, 70, 95, 4096, 4999, 6000, -5};
  EXPECT_EQ(cache->borders(tenant("a"), prompt, 32, ends), (std::vector<int64_t>{64, 2048, 4096, 4992}));
  EXPECT_EQ(cache->borders(tenant("b"), std::span(prompt).first(64), 0, {}), (std::vector<int64_t>{32}))
      << "the same prompt finds what ends before its last token";
  EXPECT_TRUE(cache->borders(tenant("c"), {}, 0, ends).empty());
}

TEST_F(PrefixCacheTest, OutlivesTheProcessOnDisk) {
  const auto tokens = branch_tokens(150, 150, 0);
  {
    const auto cache = open_cache(disk(), model_.config());
    store(*cache, std::span(tokens).first(64));
    store(*cache, std::span(tokens).first(100));
    cache->flush();
    EXPECT_EQ(cache->stats().written, 2);
  }
  const auto cache = open_cache(disk(), model_.config());
  EXPECT_EQ(cache->stats().disk_segments, 2);
  EXPECT_EQ(cache->stats().disk_bytes, directory_.bytes());
  const CacheHit hit = look_up(*cache, tokens);
  EXPECT_EQ(hit.tokens, 100);
  EXPECT_EQ(hit.tier, CacheTier::kDisk);
}

// Another model, tier, version or sort of state is a miss and no loss to those who can use it.
TEST_F(PrefixCacheTest, OfAnotherIdentityIsAMissAndKept) {
  const auto tokens = branch_tokens(100, 100, 0);
  {
    const auto cache = open_cache(disk(), model_.config());
    store(*cache, tokens);
  }
  CacheIdentity model = stamped_identity();
  model.fingerprint[31] ^= 1;
  CacheIdentity numerics = stamped_identity();
  numerics.numerics += " ";
  for (const CacheIdentity& other : {model, numerics}) {
    const auto cache = open_cache(disk(), model_.config(), other);
    EXPECT_EQ(look_up(*cache, tokens).tokens, 0);
    EXPECT_EQ(cache->stats().foreign_files, 1);
    EXPECT_EQ(cache->stats().disk_bytes, directory_.bytes());
    EXPECT_EQ(cache->stats().count(CacheError::kCorrupt), 0);
  }
  EXPECT_EQ(look_up(*open_cache(disk(), model_.config()), tokens).tokens, 100);
}

TEST_F(PrefixCacheTest, WithoutTheDraftLayerTakesOnlyStatesWithoutIt) {
  CacheIdentity plain = stamped_identity();
  plain.draft_layer = false;
  const auto cache = open_cache(ram(), model_.config(), plain);
  store(*cache, branch_tokens(40, 0, 0));
  EXPECT_EQ(cache->stats().stored, 0);
}

// C-10: the same prompt under two keys, and under one key with two salts of its own.
TEST_F(PrefixCacheTest, OneTenantsPromptsAreNotFoundByAnother) {
  const auto cache = open_cache(ram(), model_.config());
  const auto tokens = branch_tokens(100, 100, 0);
  store(*cache, tokens, "a");
  EXPECT_EQ(look_up(*cache, tokens, "a").tokens, 100);
  EXPECT_EQ(look_up(*cache, tokens, "b").tokens, 0);
  SequenceState state = model_.make_state();
  EXPECT_EQ(cache->restore(cache_tenant("secret", "a", "mine"), tokens, state)->tokens, 0);
  EXPECT_EQ(cache->restore(cache_tenant("other secret", "a"), tokens, state)->tokens, 0);
  EXPECT_NE(cache_tenant("s", "a", "b").salt, cache_tenant("s", "ab", "").salt);
  EXPECT_EQ(cache_tenant("s", "a", "b").account, cache_tenant("s", "a", "c").account);
  EXPECT_EQ(cache->borders(tenant("b"), tokens, 0, {}), (std::vector<int64_t>{96})) << "nor where they part";
}

TEST_F(PrefixCacheTest, ForgetsTheLeastRecentlyUsedLeafWithinItsBudget) {
  const auto tokens = branch_tokens(64, 64, 0);
  int64_t size = 0;
  {
    const auto cache = open_cache(ram(), model_.config());
    store(*cache, tokens);
    size = cache->stats().ram_bytes;
  }
  for (const bool in_ram : {true, false}) {
    const int64_t budget = 5 * size + size / 2;
    const auto cache = open_cache(in_ram ? ram(budget) : disk(budget), model_.config());
    const auto bytes = [&] { return in_ram ? cache->stats().ram_bytes : cache->stats().disk_bytes; };
    for (int branch = 0; branch < 5; ++branch) store(*cache, branch_tokens(64, 0, branch));
    EXPECT_EQ(look_up(*cache, branch_tokens(64, 0, 0)).tokens, 64);  // now the youngest
    for (int branch = 5; branch < 8; ++branch) {
      store(*cache, branch_tokens(64, 0, branch));
      cache->flush();
      EXPECT_LE(bytes(), budget);
      EXPECT_LE(directory_.bytes(), budget);
    }
    for (int branch = 0; branch < 8; ++branch) {
      const bool kept = branch == 0 || branch > 3;
      EXPECT_EQ(look_up(*cache, branch_tokens(64, 0, branch)).tokens, kept ? 64 : 0) << branch;
    }
  }
}

// A chain loses its end before its beginning, and a middle that is missing costs what follows, never the
// answer.
TEST_F(PrefixCacheTest, AChainIsEatenFromItsEnd) {
  const auto tokens = branch_tokens(320, 320, 0);
  int64_t size = 0;
  {
    const auto cache = open_cache(ram(), model_.config());
    for (size_t end = 32; end <= 160; end += 32) store(*cache, std::span(tokens).first(end));
    size = cache->stats().ram_bytes;
  }
  const auto cache = open_cache(ram(size), model_.config());
  for (size_t end = 32; end <= 160; end += 32) store(*cache, std::span(tokens).first(end));
  ASSERT_EQ(look_up(*cache, tokens).tokens, 160);
  int64_t longest = 160;
  for (int branch = 1; branch < 10 && longest > 0; ++branch) {
    store(*cache, branch_tokens(32, 0, branch));
    const auto hit = look_up(*cache, std::span(tokens).first(160)).tokens;
    EXPECT_LE(hit, longest);
    longest = hit;
  }
  EXPECT_GE(longest, 96) << "looking it up keeps the beginning young";
}

TEST_F(PrefixCacheTest, ATenantKeepsToItsShareAndLeavesTheOthersAlone) {
  int64_t size = 0;
  {
    const auto cache = open_cache(ram(), model_.config());
    store(*cache, branch_tokens(64, 0, 0));
    size = cache->stats().ram_bytes;
  }
  for (const bool in_ram : {true, false}) {
    PrefixCacheOptions options = in_ram ? ram(40 * size) : disk(40 * size);
    options.tenant_share = 0.25;
    const auto cache = open_cache(options, model_.config());
    for (int branch = 0; branch < 10; ++branch) store(*cache, branch_tokens(64, 0, branch), "quiet");
    for (int branch = 0; branch < 100; ++branch) {
      store(*cache, branch_tokens(64, 0, branch), "loud");
      cache->flush();
    }
    const CacheStats stats = cache->stats();
    EXPECT_EQ(in_ram ? stats.ram_segments : stats.disk_segments, 20);
    for (int branch = 0; branch < 10; ++branch) {
      EXPECT_EQ(look_up(*cache, branch_tokens(64, 0, branch), "quiet").tokens, 64);
    }
  }
}

TEST_F(PrefixCacheTest, ASegmentLargerThanItsShareIsNotKept) {
  PrefixCacheOptions options = disk(20'000);
  options.ram_bytes = 100;
  const auto cache = open_cache(options, model_.config());
  store(*cache, branch_tokens(900, 0, 0));
  EXPECT_EQ(cache->stats().count(CacheError::kTooLarge), 1);
  EXPECT_EQ(look_up(*cache, branch_tokens(900, 0, 0)).tokens, 0);
}

// C-11.
TEST_F(PrefixCacheTest, FilesAreTheOwnersOnlyAndTheirNamesAreHashes) {
  const mode_t umask_before = ::umask(0);
  {
    const auto cache = open_cache(disk(), model_.config());
    for (int branch = 0; branch < 5; ++branch) store(*cache, branch_tokens(40, 0, branch));
    cache->flush();
  }
  ::umask(umask_before);
  struct stat info{};
  ASSERT_EQ(::stat(directory_.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  EXPECT_EQ(directory_.names().size(), 5u);
  for (const std::string& name : directory_.names()) {
    ASSERT_EQ(::stat((directory_.path() / name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_EQ(name.size(), 64u);
    EXPECT_EQ(name.find_first_not_of("0123456789abcdef"), std::string::npos);
  }
}

// Unlink only what is proven bad (reliability.md 11): files of the user's and of nobody are left alone.
TEST_F(PrefixCacheTest, LeavesFilesAloneThatAreNotItsOwn) {
  fs::create_directories(directory_.path() / std::string(64, 'a'));
  std::ofstream(directory_.path() / "notes.txt") << "mine";
  std::ofstream(directory_.path() / std::string(63, 'b')) << "mine";
  std::ofstream(directory_.path() / ".writing-1-1") << "left by a process that was killed";
  std::ofstream(directory_.path() / std::string(64, 'c')) << "no segment";
  const auto cache = open_cache(disk(), model_.config());
  EXPECT_EQ(cache->stats().count(CacheError::kCorrupt), 1);
  std::vector<std::string> names = directory_.names();
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{std::string(64, 'a'), std::string(63, 'b'), "notes.txt"}));
}

TEST_F(PrefixCacheTest, BadOptionsAreRefused) {
  const auto code = [&](const PrefixCacheOptions& options) {
    return PrefixCache::create(options, model_.config(), stamped_identity()).status().code();
  };
  EXPECT_EQ(code({.ram_bytes = -1, .disk_dir = {}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.disk_dir = {}, .disk_bytes = -1}), StatusCode::kInvalidArgument);
  for (const double share : {0.0, -1.0, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(code({.disk_dir = {}, .tenant_share = share}), StatusCode::kInvalidArgument) << share;
  }
}

TEST_F(PrefixCacheTest, WithoutAnyTierItAlwaysMisses) {
  PrefixCacheOptions nowhere = disk();
  nowhere.disk_dir = "/proc/nowhere/cache";
  for (const PrefixCacheOptions& options : {ram(0), nowhere}) {
    const auto cache = open_cache(options, model_.config());
    store(*cache, branch_tokens(40, 0, 0));
    EXPECT_EQ(look_up(*cache, branch_tokens(40, 0, 0)).tokens, 0);
    EXPECT_FALSE(cache->stats().disk_on);
  }
}

}  // namespace
}  // namespace fathom
