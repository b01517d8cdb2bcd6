// SPDX-License-Identifier: MIT
#include "text/utf8.h"

#include <gtest/gtest.h>

#include <string>

#include "io/json.h"
#include "tests/support/jsonl.h"
#include "text/unicode_tables.h"

namespace fathom {
namespace {

constexpr const char* kR = "\xEF\xBF\xBD";

std::string times(int count) {
  std::string out;
  for (; count > 0; --count) out += kR;
  return out;
}

// The examples of the Unicode standard, 16.0, tables 3-8 to 3-11, and the borders of table 3-7.
TEST(Utf8, ReplacesEveryMaximalIllFormedPart) {
  EXPECT_EQ(to_well_formed("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), times(8) + "A");
  EXPECT_EQ(to_well_formed("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), times(8) + "A");
  EXPECT_EQ(to_well_formed("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), times(5) + "A" + times(2) + "B");
  EXPECT_EQ(to_well_formed("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), times(4) + "A");
  EXPECT_EQ(to_well_formed("\xF4\x8F\xBF\xBF"), "\xF4\x8F\xBF\xBF");
  EXPECT_EQ(to_well_formed("\xF4\x90\x80\x80"), times(4));
  EXPECT_EQ(to_well_formed("\xED\x9F\xBF\xEE\x80\x80"), "\xED\x9F\xBF\xEE\x80\x80");
  EXPECT_EQ(to_well_formed("\xF0\x8F"), times(2));
  EXPECT_EQ(to_well_formed("\xF0\x90"), times(1));
  EXPECT_EQ(to_well_formed("12345678\x80"), "12345678" + times(1));
  EXPECT_EQ(to_well_formed(""), "");
}

TEST(Utf8, EveryScalarValueReadsBackAsWritten) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) c = 0xE000;
    std::string text;
    append_utf8(text, c);
    const Utf8Step step = decode_utf8(text);
    ASSERT_EQ(step.kind, Utf8Kind::kCharacter);
    ASSERT_EQ(step.code_point, c);
    ASSERT_EQ(step.length, text.size());
    ASSERT_TRUE(is_well_formed_utf8(text));
    for (size_t cut = 1; cut < text.size(); ++cut) {
      const Utf8Step part = decode_utf8(std::string_view(text).substr(0, cut));
      ASSERT_EQ(part.kind, Utf8Kind::kUnfinished);
      ASSERT_EQ(part.length, cut);
    }
  }
}

TEST(UnicodeTables, HaveTheClassesOfTheReference) {
  const auto classes =
      read_json(test::read_text_file(FATHOM_SOURCE_DIR "/tests/fixtures/tokenizer/classes.json"));
  ASSERT_TRUE(classes.ok()) << classes.status().message();
  std::vector<uint8_t> expected(0x110000);
  const std::pair<const char*, uint8_t> names[] = {{"L", kLetter}, {"M", kMark},
                                                   {"N", kNumber}, {"P", kPunctuation},
                                                   {"S", kSymbol}, {"space", kWhiteSpace}};
  for (const auto& [name, bit] : names) {
    for (const JsonValue& range : classes->find(name)->items()) {
      for (int64_t c = *range.items()[0].as_int64(); c <= *range.items()[1].as_int64(); ++c) {
        expected[static_cast<size_t>(c)] |= bit;
      }
    }
  }
  for (char32_t c = 0; c < expected.size(); ++c)
    ASSERT_EQ(unicode_class(c), expected[c]) << static_cast<uint32_t>(c);
}

}  // namespace
}  // namespace fathom
