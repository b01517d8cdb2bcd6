// SPDX-License-Identifier: MIT
// Damaged, foreign and exchanged files: all are noticed, removed and counted, and the answer is the cold one
// (reliability.md C-5, C-7).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "cache/cache_fixture.h"
#include "cache/segment.h"
#include "cache/stamped_model.h"
#include "support/random_numbers.h"
#include "support/rounds.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;

constexpr int kFirst = 64;
constexpr int kAll = 100;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

// A directory with the prefix of 100 tokens in two segments, the first of 64.
class DamageTest : public testing::Test {
 protected:
  DamageTest() : directory_(testing::UnitTest::GetInstance()->current_test_info()->name()) {
    store_to(stamped_identity(), "a");
    for (const std::string& name : directory_.names()) {
      const std::string file = read(directory_.path() / name);
      const auto header = parse_segment_header(bytes(file), static_cast<int64_t>(file.size()));
      FATHOM_CHECK(header.ok());
      const size_t which = header->range.last == kFirst ? 0 : 1;
      names_[which] = name;
      files_[which] = file;
    }
    cold_[0] = digest_of(model_.evaluate(std::span(tokens_).first(kFirst)));
    cold_[1] = digest_of(model_.evaluate(tokens_));
  }

  void store_to(const CacheIdentity& identity, std::string_view key) {
    const auto cache = open_cache(options(), model_.config(), identity);
    cache->store(tenant(key), model_.evaluate(std::span(tokens_).first(kFirst)));
    cache->store(tenant(key), model_.evaluate(tokens_));
  }

  PrefixCacheOptions options() const {
    return {.disk_dir = directory_.path(), .disk_bytes = 1 << 24, .tenant_share = 1.0};
  }

  // Both files anew, the second as given; then what a cache that is opened there makes of it.
  void expect_refused(const std::string& damaged, int64_t expected_tokens = kFirst) {
    write(directory_.path() / names_[0], files_[0]);
    write(directory_.path() / names_[1], damaged);
    expect_found(expected_tokens);
    EXPECT_FALSE(fs::exists(directory_.path() / names_[1]));
  }

  void expect_found(int64_t expected_tokens) {
    const auto cache = open_cache(options(), model_.config());
    SequenceState state = model_.make_state();
    const auto hit = cache->restore(tenant("a"), tokens_, state);
    ASSERT_TRUE(hit.ok());
    EXPECT_EQ(hit->tokens, expected_tokens);
    const std::string& cold = expected_tokens == kFirst ? cold_[0] : cold_[1];
    EXPECT_EQ(digest_of(state), expected_tokens > 0 ? cold : digest_of(model_.make_state()));
    EXPECT_EQ(cache->stats().count(CacheError::kCorrupt), expected_tokens == kAll ? 0 : 1);
  }

  StampedModel model_;
  ScratchDirectory directory_;
  std::vector<int32_t> tokens_ = branch_tokens(kAll, kAll, 0);
  std::string names_[2];
  std::string files_[2];
  std::string cold_[2];
};

TEST_F(DamageTest, UndamagedFilesAreFound) { expect_found(kAll); }

TEST_F(DamageTest, EveryByteOfTheHeaderIsChecked) {
  for (size_t at = 0; at < kSegmentHeaderBytes; ++at) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string damaged = files_[1];
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      expect_refused(damaged);
      ASSERT_FALSE(HasFailure()) << "byte " << at << " xor " << change;
    }
  }
}

// In the file, and for more of them in memory.
TEST_F(DamageTest, EveryBitOfThePayloadIsChecked) {
  RandomNumbers random(1);
  const auto bits = static_cast<int>(8 * (files_[1].size() - kSegmentHeaderBytes));
  for (Rounds rounds("damaged bits", 10000); rounds.next();) {
    const int bit = random.whole(0, bits - 1);
    const size_t at = kSegmentHeaderBytes + static_cast<size_t>(bit / 8);
    std::string damaged = files_[1];
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit % 8));
    ASSERT_EQ(parse_segment(bytes(damaged), Checksum::kVerify).status().code(), StatusCode::kCorrupt) << bit;
    if (rounds.done() % 40 == 0) expect_refused(damaged);
    ASSERT_FALSE(HasFailure()) << "bit " << bit;
  }
}

TEST_F(DamageTest, EveryLengthButTheRightOneIsRefused) {
  for (size_t length = 0; length < files_[1].size() + 100; ++length) {
    if (length == files_[1].size()) continue;
    std::string damaged = files_[1];
    damaged.resize(length);
    ASSERT_FALSE(parse_segment(bytes(damaged), Checksum::kVerify).ok()) << length;
    ASSERT_FALSE(parse_segment(bytes(damaged), Checksum::kTrust).ok()) << length;
    if (length < 300 || length % 50 == 0) expect_refused(damaged);
    ASSERT_FALSE(HasFailure()) << "length " << length;
  }
}

TEST_F(DamageTest, AFileUnderTheNameOfAnotherIsRefused) {
  expect_refused(files_[0]);
  write(directory_.path() / names_[0], files_[1]);
  write(directory_.path() / names_[1], files_[1]);
  expect_found(0);
}

// Good files of others, put where ours is looked for.
TEST_F(DamageTest, AFileOfAnotherModelTierOrTenantUnderOurNameIsRefused) {
  CacheIdentity model = stamped_identity();
  model.fingerprint[0] ^= 1;
  CacheIdentity tier = stamped_identity();
  tier.numerics = "avx2 ranks=1 deployed revision=1";
  const std::pair<CacheIdentity, std::string_view> others[] = {
      {model, "a"}, {tier, "a"}, {stamped_identity(), "b"}};
  for (const auto& [identity, key] : others) {
    for (const std::string& name : directory_.names()) fs::remove(directory_.path() / name);
    store_to(identity, key);
    std::string foreign;
    for (const std::string& name : directory_.names()) {
      const std::string file = read(directory_.path() / name);
      if (parse_segment_header(bytes(file), static_cast<int64_t>(file.size()))->range.last == kAll)
        foreign = file;
    }
    expect_refused(foreign);
  }
}

// A version to come: no error of anybody's, so it stays, takes its room and is never served.
TEST_F(DamageTest, AFileOfAnotherVersionIsAMissAndStays) {
  std::string other = files_[1];
  other[8] = 2;
  const auto checksum = xxh3_64(bytes(other).first(kSegmentHeaderBytes - 8));
  std::memcpy(other.data() + kSegmentHeaderBytes - 8, checksum.data(), checksum.size());
  write(directory_.path() / names_[1], other);
  const auto cache = open_cache(options(), model_.config());
  SequenceState state = model_.make_state();
  EXPECT_EQ(cache->restore(tenant("a"), tokens_, state)->tokens, kFirst);
  EXPECT_EQ(cache->stats().foreign_files, 1);
  EXPECT_EQ(cache->stats().count(CacheError::kCorrupt), 0);
  EXPECT_EQ(read(directory_.path() / names_[1]), other);
}

// Files that change, grow, shrink or go while the cache is open.
TEST_F(DamageTest, DamageWhileTheCacheIsOpenIsNoticedAtTheNextLookUp) {
  for (const int how : {0, 1, 2}) {
    write(directory_.path() / names_[0], files_[0]);
    write(directory_.path() / names_[1], files_[1]);
    const auto cache = open_cache(options(), model_.config());
    std::string damaged = files_[1];
    damaged[damaged.size() / 2] ^= 1;
    if (how == 0) write(directory_.path() / names_[1], damaged);
    if (how == 1) fs::resize_file(directory_.path() / names_[1], 400);
    if (how == 2) fs::remove(directory_.path() / names_[1]);
    SequenceState state = model_.make_state();
    EXPECT_EQ(cache->restore(tenant("a"), tokens_, state)->tokens, kFirst);
    EXPECT_EQ(digest_of(state), cold_[0]);
    EXPECT_EQ(cache->stats().count(how == 2 ? CacheError::kGone : CacheError::kCorrupt), 1);
    EXPECT_EQ(cache->stats().disk_segments, 1);
    EXPECT_FALSE(fs::exists(directory_.path() / names_[1]));
    cache->store(tenant("a"), model_.evaluate(tokens_));  // and is there again
    EXPECT_EQ(cache->restore(tenant("a"), tokens_, state)->tokens, kAll);
    EXPECT_EQ(digest_of(state), cold_[1]);
  }
}

// C-7. A file whose checksums are right and whose sections are not those of this model: dropped once.
TEST_F(DamageTest, ASegmentThatTheStateRefusesIsDroppedAtItsFirstUse) {
  std::string odd = files_[1];
  odd[kSegmentHeaderBytes + 4] = static_cast<char>(SectionKind::kIndexRows);  // of the first section
  const auto checksum = xxh3_128(bytes(odd).first(odd.size() - kSegmentChecksumBytes));
  std::memcpy(odd.data() + odd.size() - kSegmentChecksumBytes, checksum.data(), checksum.size());
  write(directory_.path() / names_[1], odd);
  const auto cache = open_cache(options(), model_.config());
  SequenceState state = model_.make_state();
  EXPECT_EQ(cache->restore(tenant("a"), tokens_, state)->tokens, kFirst);
  EXPECT_EQ(digest_of(state), cold_[0]);
  EXPECT_EQ(cache->stats().count(CacheError::kUnusable), 1);
  EXPECT_EQ(cache->restore(tenant("a"), tokens_, state)->tokens, kFirst);
  cache->flush();
  EXPECT_EQ(cache->stats().count(CacheError::kUnusable), 1);
  EXPECT_FALSE(fs::exists(directory_.path() / names_[1]));
}

}  // namespace
}  // namespace fathom
