// SPDX-License-Identifier: MIT
#include "server/token_trail.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

GeneratedToken token(int32_t id) { return {.id = id, .logprob = -1.0F}; }

std::vector<int32_t> ids(const std::vector<TokenEntry>& entries) {
  std::vector<int32_t> out;
  for (const TokenEntry& entry : entries) out.push_back(entry.id);
  return out;
}

TEST(TokenTrail, EntriesComeWithTheTextThatTheyBegin) {
  TokenTrail trail;
  trail.push_text(token(1), "abc");
  trail.push_text(token(2), "de");
  EXPECT_EQ(ids(trail.take(2)), std::vector<int32_t>{1});
  EXPECT_EQ(ids(trail.take(1)), std::vector<int32_t>{}) << "given already";
  EXPECT_EQ(ids(trail.take(2)), std::vector<int32_t>{2});
}

TEST(TokenTrail, ACharacterOfSeveralTokensBringsAllOfThem) {
  TokenTrail trail;
  trail.push_text(token(1), "\xF0\x9F");
  trail.push_text(token(2), "\x99");
  EXPECT_EQ(ids(trail.take(0)), std::vector<int32_t>{});
  trail.push_text(token(3), "\x82!");
  EXPECT_EQ(ids(trail.take(5)), (std::vector<int32_t>{1, 2, 3}));
}

TEST(TokenTrail, AnUnfinishedCharacterBelongsToItsLastToken) {
  TokenTrail trail;
  trail.push_text(token(1), "a");
  trail.push_text(token(2), "\xE4\xB8");
  trail.end_character();  // becomes U+FFFD, three bytes
  trail.push_text(token(3), "b");
  EXPECT_EQ(ids(trail.take(1)), std::vector<int32_t>{1});
  EXPECT_EQ(ids(trail.take(3)), std::vector<int32_t>{2});
  const auto last = trail.take(1);
  EXPECT_EQ(ids(last), std::vector<int32_t>{3});
  EXPECT_EQ(last.front().text_offset, 2) << "in characters";
}

TEST(TokenTrail, MarkupIsForgotten) {
  TokenTrail trail;
  trail.push_text(token(1), "a");
  trail.push_spelling(token(2), "<tool>");
  trail.clear();
  trail.push_text(token(3), "b");
  EXPECT_EQ(ids(trail.take(1)), std::vector<int32_t>{3});
}

}  // namespace
}  // namespace fathom
