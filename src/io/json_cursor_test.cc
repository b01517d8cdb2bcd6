// SPDX-License-Identifier: MIT
#include "io/json_cursor.h"

#include <gtest/gtest.h>

#include "io/json.h"

namespace fathom {
namespace {

Status skip_all(std::string_view text) {
  JsonCursor cursor(text);
  FATHOM_RETURN_IF_ERROR(cursor.skip_value());
  return cursor.at_end() ? Status() : cursor.error("the end of the text");
}

TEST(JsonCursor, StringsAreUnescapedAndPlainOnesAreViews) {
  std::string scratch;
  const std::string_view plain = " \"plain text longer than eight\"";
  JsonCursor cursor(plain);
  const std::string_view value = cursor.read_string(scratch).value();
  EXPECT_EQ(value, "plain text longer than eight");
  EXPECT_EQ(value.data(), plain.data() + 2);
  JsonCursor escaped(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00é")");
  EXPECT_EQ(escaped.read_string(scratch).value(),
            "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9");
}

// The special character at each place of a long run, so both the eight-byte and the one-byte loop meet it.
TEST(JsonCursor, ASpecialCharacterIsNoticedAtEveryPlace) {
  for (size_t length = 0; length < 40; ++length) {
    for (size_t at = 0; at <= length; ++at) {
      std::string text = std::string(length, 'a');
      std::string scratch;
      const std::string closed = "\"" + text.substr(0, at) + "\"" + text.substr(at);
      JsonCursor cursor(closed);
      EXPECT_EQ(cursor.read_string(scratch).value().size(), at);
      for (const char* bad : {"\n", "\x1f", "\xff", "\\x"}) {
        EXPECT_FALSE(skip_all("\"" + text.substr(0, at) + bad + text.substr(at) + "\"").ok());
      }
      const std::string accented = "\"" + text.substr(0, at) + "\xc3\xa9\x7f" + text.substr(at) + "\"";
      EXPECT_TRUE(skip_all(accented).ok());
    }
  }
}

TEST(JsonCursor, UnsignedNumbersAreExactUpToTheirLimit) {
  const auto read = [](std::string_view text) { return JsonCursor(text).read_unsigned(); };
  EXPECT_EQ(read("0").value(), 0u);
  EXPECT_EQ(read(" 9007199254740993,").value(), 9007199254740993u);
  EXPECT_EQ(read("18446744073709551615").value(), UINT64_MAX);
  for (const char* bad : {"18446744073709551616", "99999999999999999999999", "-1", "+1", "01", "00", "1.0",
                          "1e3", "1E3", "", "x", "\"1\""}) {
    EXPECT_FALSE(read(bad).ok()) << bad;
  }
}

// The value reader is the judge of what is JSON.
TEST(JsonCursor, SkipsExactlyWhatTheValueReaderReads) {
  for (const char* text : {"null",
                           "true",
                           "false",
                           "0",
                           "-0",
                           "12.5e+3",
                           "1E-2",
                           "\"x\"",
                           "[]",
                           "{}",
                           "[1,[2,{}],\"\"]",
                           R"({"a":{"b":[]},"c":1})",
                           " [ 1 , 2 ] ",
                           "",
                           "nul",
                           "truex",
                           "01",
                           "-",
                           "1.",
                           ".5",
                           "1e",
                           "[1,]",
                           "{,}",
                           "[,]",
                           R"({"a"})",
                           R"({"a":})",
                           R"({"a":1,})",
                           "[1 2]",
                           "[",
                           "]",
                           "{",
                           "}",
                           "[}",
                           "{]",
                           "\"",
                           "\"\\",
                           "tru",
                           "1 2",
                           "\"\\ud800\"",
                           "\"\\u00zz\"",
                           "NaN",
                           "Infinity",
                           "'x'",
                           "[1]]",
                           "{\"a\":1}}"}) {
    EXPECT_EQ(skip_all(text).ok(), read_json(text).ok()) << text;
  }
}

TEST(JsonCursor, SixtyFourLevelsAreSkippedAndSixtyFiveAreNot) {
  for (const size_t depth : {64u, 65u, 640u, 1'000'000u}) {
    EXPECT_EQ(skip_all(std::string(depth, '[') + std::string(depth, ']')).ok(), depth == 64) << depth;
  }
}

TEST(JsonCursor, ErrorsNameTheByteAndWhatStandsThere) {
  EXPECT_EQ(skip_all("[1;2]").message(), "byte 2: expected ']', found ';'");
  EXPECT_EQ(skip_all("[1").message(), "byte 2: expected ']', found the end of the text");
  EXPECT_EQ(skip_all("\xff").message(), "byte 0: expected a value, found byte 255");
}

}  // namespace
}  // namespace fathom
