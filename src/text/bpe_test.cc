// SPDX-License-Identifier: MIT
#include "text/bpe.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/toy_tokenizer.h"
#include "text/tokenizer.h"

namespace fathom {
namespace {

using test::ToyMerge;
using Ranks = std::map<std::pair<std::string, std::string>, size_t>;

// Byte pair encoding as its definition says it.
std::vector<std::string> merge_plainly(std::string_view text, const Ranks& ranks) {
  std::vector<std::string> symbols;
  for (const char c : text) symbols.emplace_back(1, c);
  for (;;) {
    size_t best = SIZE_MAX;
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = ranks.find({symbols[i], symbols[i + 1]});
      if (found == ranks.end() || found->second >= best) continue;
      best = found->second;
      at = i;
    }
    if (best == SIZE_MAX) return symbols;
    symbols[at] += symbols[at + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

std::vector<std::string> tokens_of(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> tokens;
  for (const int32_t id : tokenizer.encode(text)) tokens.emplace_back(tokenizer.bytes(id));
  return tokens;
}

Tokenizer toy(const std::vector<ToyMerge>& merges) {
  auto tokenizer = Tokenizer::from_json(test::toy_tokenizer_json(merges, {}));
  if (!tokenizer.ok()) ADD_FAILURE() << tokenizer.status().message();
  return std::move(tokenizer).value();
}

// Merges of tokens that exist, shuffled, so that parts may have a higher rank than what is made of them and a
// token may be made in several ways: all that a file may say, not only what training produces.
std::vector<ToyMerge> random_merges(std::mt19937& random) {
  std::vector<std::string> tokens = {"a", "b", "c"};
  std::vector<ToyMerge> merges;
  Ranks seen;
  for (auto n = 1 + random() % 30; n > 0; --n) {
    const std::string left = tokens[random() % tokens.size()];
    const std::string right = tokens[random() % tokens.size()];
    if (left.size() + right.size() > 12 || !seen.try_emplace({left, right}, 0).second) continue;
    merges.push_back({left, right});
    tokens.push_back(left + right);
  }
  if (random() % 2 == 0) std::shuffle(merges.begin(), merges.end(), random);
  return merges;
}

TEST(Bpe, MergesTheLowestRankLeftmostFirst) {
  const Tokenizer tokenizer = toy({{"a", "a"}, {"b", "c"}, {"a", "b"}});
  using Tokens = std::vector<std::string>;
  EXPECT_EQ(tokens_of(tokenizer, "aaa"), (Tokens{"aa", "a"}));
  EXPECT_EQ(tokens_of(tokenizer, "abc"), (Tokens{"a", "bc"}));
  EXPECT_EQ(tokens_of(tokenizer, "aab"), (Tokens{"aa", "b"}));
  EXPECT_EQ(tokens_of(tokenizer, "aaab"), (Tokens{"aa", "ab"}));
}

// "abc" is a token, but its own bytes never become it: "bc" is taken first, and "a" does not merge with that.
TEST(Bpe, ATokenThatMergesNeverReachIsNotProduced) {
  const Tokenizer tokenizer = toy({{"b", "c"}, {"a", "b"}, {"ab", "c"}});
  EXPECT_EQ(tokens_of(tokenizer, "abc"), (std::vector<std::string>{"a", "bc"}));
}

// Lengths around the border between the two ways of merging, 128 bytes, and far beyond it.
TEST(Bpe, EqualsTheDefinitionOnRandomVocabularies) {
  std::mt19937 random(9001);
  for (int round = 0; round < 300; ++round) {
    const std::vector<ToyMerge> merges = random_merges(random);
    Ranks ranks;
    for (size_t i = 0; i < merges.size(); ++i) ranks[{merges[i].left, merges[i].right}] = i;
    const Tokenizer tokenizer = toy(merges);
    for (const size_t length : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 9u, 31u, 127u, 128u, 129u, 130u, 400u}) {
      const unsigned letters = 1 + static_cast<unsigned>(random() % 3);
      std::string text;
      while (text.size() < length) text += static_cast<char>('a' + random() % letters);
      ASSERT_EQ(tokens_of(tokenizer, text), merge_plainly(text, ranks)) << "round " << round << ": " << text;
    }
  }
}

}  // namespace
}  // namespace fathom
