// SPDX-License-Identifier: MIT
#include "text/chat_dialect.h"

#include <gtest/gtest.h>

#include "tests/support/sha256.h"

namespace fathom {
namespace {

// The sums are those of chat.md 4.
constexpr const char* kTextA = "f7a24f3b3050d4a83781e9b755b316aae2ec1d9dc87562541d90bcb04d7350f7";
constexpr const char* kTextB = "53fb31b8392ec5b4a926481943efc67636748f137c1a49d493a7af4d4fa55d2c";

TEST(ChatDialect, EffortTextsAreThePublishedBytes) {
  EXPECT_EQ(test::sha256_hex(effort_text(Effort::kMax, Dialect::kPreview)), kTextA);
  EXPECT_EQ(test::sha256_hex(effort_text(Effort::kHigh, Dialect::kOfficial)), kTextA);
  EXPECT_EQ(test::sha256_hex(effort_text(Effort::kMax, Dialect::kOfficial)), kTextB);
}

TEST(ChatDialect, OtherEffortsWriteNothing) {
  EXPECT_EQ(effort_text(Effort::kNone, Dialect::kPreview), "");
  EXPECT_EQ(effort_text(Effort::kHigh, Dialect::kPreview), "");
  EXPECT_EQ(effort_text(Effort::kNone, Dialect::kOfficial), "");
  EXPECT_EQ(effort_text(Effort::kLow, Dialect::kOfficial), "");
}

TEST(ChatDialect, EncoderAcceptsTheWordsOfItsDialectOnly) {
  EXPECT_EQ(*effort_from_name("low", Dialect::kOfficial), Effort::kLow);
  EXPECT_FALSE(effort_from_name("low", Dialect::kPreview).ok());
  for (const char* word : {"", "none", "medium", "xhigh", "MAX", "high "}) {
    EXPECT_FALSE(effort_from_name(word, Dialect::kOfficial).ok()) << word;
    EXPECT_FALSE(effort_from_name(word, Dialect::kPreview).ok()) << word;
  }
}

TEST(ChatDialect, RequestWordsOutsideTheTableAreRefusedWithTheTable) {
  const auto effort = effort_from_request_word("extreme", Dialect::kOfficial);
  ASSERT_FALSE(effort.ok());
  EXPECT_EQ(effort.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(effort.status().message().find("minimal"), std::string_view::npos);
}

TEST(ChatDialect, IsOfficialByItsEncoderOrByADsparkKey) {
  EXPECT_EQ(*detect_dialect({}), Dialect::kPreview);
  EXPECT_EQ(*detect_dialect({"def encode_messages():", false}), Dialect::kPreview);
  EXPECT_EQ(*detect_dialect({"x = 'Reasoning Effort: Beyond maximum'", false}), Dialect::kOfficial);
  EXPECT_EQ(*detect_dialect({"", true}), Dialect::kOfficial);
}

TEST(ChatDialect, TheThirdFormatIsRefused) {
  const auto dialect = detect_dialect({"SYSTEM = '<｜System｜>'  # Beyond maximum", true});
  ASSERT_FALSE(dialect.ok());
  EXPECT_EQ(dialect.status().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace fathom
