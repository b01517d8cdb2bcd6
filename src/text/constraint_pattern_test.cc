// SPDX-License-Identifier: MIT
#include "text/constraint_pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace fathom {
namespace {

TEST(ConstraintPattern, WhatNoAutomatonFollowsIsTold) {
  for (const char* pattern : {"^a+$", "[a(?=)]", "\\\\b", "(?:a|b){1,1000}", "(?P<n>a)", "[\\b]x", "a{,}"}) {
    EXPECT_TRUE(is_automaton_pattern(pattern)) << pattern;
  }
  for (const char* pattern : {"(?=a)b", "(?!a)b", "(?<=a)b", "(?<!a)b", "(a)\\1", "\\bword", "a{1001}",
                              "a{1,99999999999}", "((a{5}){2000})"}) {
    EXPECT_FALSE(is_automaton_pattern(pattern)) << pattern;
  }
}

// JSON schema finds a pattern anywhere in the text; Lark matches the whole.
TEST(ConstraintPattern, AnchorsAreWrittenOut) {
  EXPECT_EQ(lark_pattern("a/b"), "/(?s:.*)(?:a\\/b)(?s:.*)/");
  EXPECT_EQ(lark_pattern("^ab"), "/(?:ab)(?s:.*)/");
  EXPECT_EQ(lark_pattern("ab$"), "/(?s:.*)(?:ab)/");
  EXPECT_EQ(lark_pattern("^(a|b)$"), "/(?:(a|b))/");
  EXPECT_EQ(lark_pattern("a|b"), "/(?s:.*)(?:a|b)(?s:.*)/");
  EXPECT_EQ(lark_pattern("^\\d\\$"), "/(?:[0-9]\\$)(?s:.*)/");
  EXPECT_EQ(lark_pattern("[$^|]"), "/(?s:.*)(?:[$^|])(?s:.*)/");
}

TEST(ConstraintPattern, AnchorsInsideHaveNoRawForm) {
  for (const char* pattern : {"^a|b$", "a^b", "(^a|b)", "(a$)b"}) {
    EXPECT_FALSE(lark_pattern(pattern).has_value()) << pattern;
  }
}

TEST(ConstraintPattern, FormatsThatOnlyAnnotateHaveNoPattern) {
  for (const char* format : {"date", "time", "date-time", "uuid", "ipv4", "email"}) {
    ASSERT_TRUE(format_pattern(format).has_value()) << format;
    EXPECT_TRUE(is_automaton_pattern(*format_pattern(format))) << format;
    EXPECT_TRUE(lark_pattern(*format_pattern(format)).has_value()) << format;
  }
  EXPECT_FALSE(format_pattern("regex").has_value());
}

}  // namespace
}  // namespace fathom
