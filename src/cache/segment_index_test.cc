// SPDX-License-Identifier: MIT
// Keys, chains, budgets and borders by themselves; what they do together is in tests/cache.
#include "cache/segment_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "cache/border_finder.h"
#include "cache/prefix_keys.h"

namespace fathom {
namespace {

constexpr int64_t kBlock = 32;

std::vector<int32_t> count_up(int tokens, int from = 0) {
  std::vector<int32_t> out(static_cast<size_t>(tokens));
  std::iota(out.begin(), out.end(), from);
  return out;
}

CacheIdentity identity(int which = 0) {
  CacheIdentity identity;
  identity.fingerprint[0] = static_cast<uint8_t>(which);
  return identity;
}

TEST(PrefixKeys, DependOnAllTokensBeforeAndOnNothingElse) {
  const std::vector<int32_t> tokens = count_up(100);
  std::vector<int32_t> other = tokens;
  other[50] = 7;
  const Digest root = root_key(identity(), {});
  const PrefixKeys a(root, kBlock, tokens);
  const PrefixKeys b(root, kBlock, other);
  const PrefixKeys shorter(root, kBlock, std::span(tokens).first(70));
  std::set<Digest> keys;
  for (int64_t p = 0; p <= 100; ++p) {
    keys.insert(a.at(p));
    EXPECT_EQ(a.at(p) == b.at(p), p <= 50) << p;
    EXPECT_EQ(a.at(p) == shorter.at(std::min<int64_t>(p, 70)), p <= 70) << p;
  }
  EXPECT_EQ(keys.size(), 101u);
  EXPECT_EQ(a.full_blocks(), 3);
  EXPECT_EQ(a.at(64), a.block_key(2));
}

TEST(PrefixKeys, DifferByEveryPartOfIdentityAndTenant) {
  std::set<Digest> roots;
  CacheTenant other_salt;
  other_salt.salt[31] = 1;
  CacheTenant other_account;
  other_account.account[31] = 1;
  CacheIdentity numerics = identity();
  numerics.numerics = "x";
  CacheIdentity draft = identity();
  draft.draft_layer = true;
  roots.insert(root_key(identity(), {}));
  EXPECT_TRUE(roots.contains(root_key(identity(), other_account))) << "only quotas count by account";
  roots.insert(root_key(identity(1), {}));
  roots.insert(root_key(identity(), other_salt));
  roots.insert(root_key(numerics, {}));
  roots.insert(root_key(draft, {}));
  EXPECT_EQ(roots.size(), 5u);
}

class SegmentIndexTest : public testing::Test {
 protected:
  SegmentIndexTest()
      : index_(TierBudget(1000, 0.5, &StoredSegment::ram_order),
               TierBudget(1000, 1.0, &StoredSegment::disk_order)) {}

  SegmentRef segment(const PrefixKeys& keys, int64_t first, int64_t last, int64_t bytes = 10) {
    auto out = std::make_shared<StoredSegment>();
    out->header.range = {first, last, 0};
    out->header.parent_key = keys.at(first);
    out->header.block_key = keys.block_key(last / kBlock);
    out->header.key = keys.at(last);
    out->bytes = bytes;
    return out;
  }
  int64_t longest(const PrefixKeys& keys, int64_t limit) {
    const SegmentChain chain = index_.longest_chain(keys, limit);
    return chain.empty() ? 0 : chain.back()->header.range.last;
  }

  std::vector<int32_t> tokens_ = count_up(200);
  PrefixKeys keys_{root_key(identity(), {}), kBlock, tokens_};
  SegmentIndex index_;
};

TEST_F(SegmentIndexTest, FindsTheLongestUnbrokenChain) {
  const SegmentRef a = segment(keys_, 0, 40);
  const SegmentRef b = segment(keys_, 40, 64);
  const SegmentRef c = segment(keys_, 64, 150);
  for (const SegmentRef& s : {a, b, c}) index_.add_to_disk(s);
  EXPECT_EQ(longest(keys_, 200), 150);
  EXPECT_EQ(longest(keys_, 149), 64);
  EXPECT_EQ(longest(keys_, 63), 40);
  EXPECT_EQ(longest(keys_, 39), 0);
  EXPECT_EQ(index_.longest_chain(keys_, 200), (SegmentChain{a, b, c}));
  index_.remove_from_disk(b);
  EXPECT_EQ(longest(keys_, 200), 40) << "what follows a gap is of no use";
  index_.add_to_disk(segment(keys_, 0, 64));
  EXPECT_EQ(longest(keys_, 200), 150) << "however the gap was filled";
  const PrefixKeys other(root_key(identity(1), {}), kBlock, tokens_);
  EXPECT_EQ(longest(other, 200), 0);
}

TEST_F(SegmentIndexTest, ASegmentIsKnownWhileItIsInATier) {
  const SegmentRef a = segment(keys_, 0, 40);
  const auto bytes = std::make_shared<const SegmentBytes>();
  index_.add_to_disk(a);
  index_.add_to_ram(a, bytes);
  EXPECT_EQ(a->ram, bytes);
  index_.remove_from_disk(a);
  EXPECT_EQ(longest(keys_, 200), 40);
  index_.remove_from_ram(a);
  EXPECT_EQ(a->ram, nullptr);
  EXPECT_EQ(longest(keys_, 200), 0);
  EXPECT_EQ(index_.find(a->header.key), nullptr);
  EXPECT_EQ(index_.ram().bytes() + index_.disk().bytes(), 0);
}

TEST_F(SegmentIndexTest, TheVictimIsTheOldestOfTheAccountThatIsOverElseOfAll) {
  const auto add = [&](int account, int64_t last, int64_t bytes) {
    SegmentRef out = segment(keys_, 0, last, bytes);
    out->header.account[0] = static_cast<uint8_t>(account);
    index_.add_to_ram(out, nullptr);
    return out;
  };
  const SegmentRef a = add(1, 10, 200);
  const SegmentRef b = add(2, 11, 400);
  const SegmentRef c = add(1, 12, 200);
  EXPECT_EQ(index_.ram().victim(a->header.account, 100), nullptr) << "1,000 in all and 500 each just hold it";
  EXPECT_EQ(index_.ram().victim(a->header.account, 101), a) << "its own, of its share";
  EXPECT_EQ(index_.ram().victim(b->header.account, 101), b);
  Digest third{};
  third[0] = 3;
  EXPECT_EQ(index_.ram().victim(third, 200), nullptr);
  EXPECT_EQ(index_.ram().victim(third, 201), a) << "the oldest of all";
  index_.touch({a});
  EXPECT_EQ(index_.ram().victim(third, 201), b);
  EXPECT_EQ(index_.ram().victim(a->header.account, 101), c);
  EXPECT_TRUE(index_.ram().fits(500));
  EXPECT_FALSE(index_.ram().fits(501));
}

TEST_F(SegmentIndexTest, TouchingAChainMakesItsEndTheOldestOfIt) {
  const SegmentRef a = segment(keys_, 0, 40, 400);
  const SegmentRef b = segment(keys_, 40, 64, 400);
  index_.add_to_disk(b);
  index_.add_to_disk(a);
  index_.touch({a, b});
  EXPECT_EQ(index_.disk().victim({}, 300), b);
}

ModelConfig config_of(const std::vector<int>& ratios) {
  ModelConfig config;
  for (const int ratio : ratios) {
    config.layers.push_back(
        {.kind = ratio == 0 ? LayerKind::kWindow : LayerKind::kHca, .compress_ratio = ratio, .rope = {}});
  }
  return config;
}

TEST(BorderTokens, AreAMultipleOfAllRatiosAndWorthADigest) {
  EXPECT_EQ(border_tokens(config_of({0, 4, 128})), 128);
  EXPECT_EQ(border_tokens(config_of({0, 0})), 32);
  EXPECT_EQ(border_tokens(config_of({3, 5})), 45);
  EXPECT_EQ(border_tokens(config_of({4, 6})), 36);
  EXPECT_EQ(border_tokens(config_of({4095, 4094, 4093})), 4095) << "out of hand: the largest ratio";
  EXPECT_EQ(border_tokens(config_of({1 << 20, (1 << 20) - 1})), 1 << 20);
}

TEST(BorderFinder, FindsWherePromptsPartAndForgetsTheOldest) {
  BorderFinder finder;
  const Digest root = root_key(identity(), {});
  const auto parted_at = [&](const std::vector<int32_t>& tokens) {
    // Without the border at the end.
    std::vector<int64_t> borders = finder.borders(PrefixKeys(root, kBlock, tokens), 0, {});
    std::erase(borders, (static_cast<int64_t>(tokens.size()) - 1) / kBlock * kBlock);
    return borders;
  };
  std::vector<int32_t> second = count_up(300);
  second[100] = -1;
  EXPECT_TRUE(parted_at(count_up(300)).empty());
  EXPECT_EQ(parted_at(second), (std::vector<int64_t>{96}));
  for (int i = 1; i < 140; ++i) parted_at(count_up(1000 * 32, i * 100'000));
  EXPECT_TRUE(parted_at(second).empty()) << "after 139,000 other blocks";
}

}  // namespace
}  // namespace fathom
