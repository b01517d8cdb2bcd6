// SPDX-License-Identifier: MIT
#include "io/json.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

std::string rewritten(std::string_view text, JsonReadOptions::Leniency leniency) {
  const auto value = read_json(text, {.leniency = leniency});
  return value.ok() ? write_json(*value) : std::string(value.status().message());
}

std::string rewritten(std::string_view text) { return rewritten(text, JsonReadOptions::Leniency::kStrict); }
std::string rewritten_python(std::string_view text) {
  return rewritten(text, JsonReadOptions::Leniency::kPython);
}

// Expected texts were printed by Python 3.11: json.dumps(json.loads(x), ensure_ascii=False).
TEST(Json, WritesAsPythonDoes) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"b":1,"a":[true,false,null]})", R"({"b": 1, "a": [true, false, null]})"},
      {"1.0", "1.0"},
      {"100000.0", "100000.0"},
      {"1e5", "100000.0"},
      {"1e15", "1000000000000000.0"},
      {"1e16", "1e+16"},
      {"1e22", "1e+22"},
      {"0.0001", "0.0001"},
      {"0.00001", "1e-05"},
      {"1.5e300", "1.5e+300"},
      {"123456789.123", "123456789.123"},
      {"-0", "0"},
      {"-0.0", "-0.0"},
      {"5e-324", "5e-324"},
      {"12345678901234567890123", "12345678901234567890123"},
      {R"("\u0001\b\f\n\r\t\"\\\/\u007f\u00e9")", "\"\\u0001\\b\\f\\n\\r\\t\\\"\\\\/\x7f\xc3\xa9\""},
      {R"("\ud83d\ude00")", "\"\xf0\x9f\x98\x80\""},
      {" [ ] ", "[]"},
      {"{ }", "{}"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(rewritten(text), expected) << text;
}

TEST(Json, PythonModeReadsWhatPythonReads) {
  EXPECT_EQ(rewritten_python(R"({"a":1,"b":2,"a":3})"), R"({"a": 3, "b": 2})");
  EXPECT_EQ(rewritten_python("[NaN,Infinity,-Infinity]"), "[NaN, Infinity, -Infinity]");
  EXPECT_EQ(rewritten_python(R"("\ud800x")"), "\"\xef\xbf\xbdx\"");
  EXPECT_EQ(rewritten_python(R"("\ud800\u0041")"),
            "\"\xef\xbf\xbd"
            "A\"");
  EXPECT_EQ(rewritten_python("1e400"), "Infinity");
}

TEST(Json, RefusesWhatIsNotJsonAndSaysWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "JSON: byte 0: expected a value, found the end of the text"},
      {"[1,]", "JSON: byte 3: expected a value, found ']'"},
      {"{\"a\":1,}", "JSON: byte 7: expected a key in quotes, found '}'"},
      {"01", "JSON: byte 1: expected the end of the text, found '1'"},
      {"1.", "JSON: byte 2: expected a digit, found the end of the text"},
      {"+1", "JSON: byte 0: expected a value, found '+'"},
      {"NaN", "JSON: byte 0: expected a value, found 'N'"},
      {"\"\x01\"", "JSON: byte 1: expected an escaped control character, found byte 1"},
      {"\"\xff\"", "JSON: byte 1: expected UTF-8, found byte 255"},
      {"\"\xed\xa0\x80\"", "JSON: byte 1: expected UTF-8, found byte 237"},
      {R"("\ud800")", "JSON: byte 7: expected the other half of a surrogate pair, found '\"'"},
      {R"({"a":1,"a":2})", "JSON: byte 7: expected each key once (\"a\" is repeated), found '\"'"},
      {"[1] x", "JSON: byte 4: expected the end of the text, found 'x'"},
      {"\"abc", "JSON: byte 4: expected '\"', found the end of the text"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(rewritten(text), message) << text;
}

TEST(Json, DepthIsAllowedUpToTheLimitOnly) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(read_json(nested(64)).ok());
  EXPECT_FALSE(read_json(nested(65)).ok());
  EXPECT_FALSE(read_json(std::string(1'000'000, '[')).ok());
}

TEST(Json, NodesAreAllowedUpToTheLimitOnly) {
  EXPECT_TRUE(read_json("[1,2]", {.max_nodes = 3}).ok());
  EXPECT_FALSE(read_json("[1,2,3]", {.max_nodes = 3}).ok());
}

TEST(Json, IntegersAndDoublesAreExact) {
  EXPECT_EQ(read_json("9223372036854775807")->as_int64(), INT64_MAX);
  EXPECT_EQ(read_json("9223372036854775808")->as_int64(), std::nullopt);
  EXPECT_EQ(read_json("1.5")->as_int64(), std::nullopt);
  EXPECT_EQ(read_json("0.1")->as_double(), 0.1);
  EXPECT_EQ(read_json("1e400")->as_double(), std::nullopt);
  EXPECT_EQ(read_json("1e-400")->as_double(), 0.0);
}

}  // namespace
}  // namespace fathom
