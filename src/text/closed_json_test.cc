// SPDX-License-Identifier: MIT
#include "text/closed_json.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fathom {
namespace {

TEST(ClosedJson, CutTextGivesWhatCanBeClosed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "{}"},
      {"{", "{}"},
      {R"({"a)", "{}"},
      {R"({"a":)", "{}"},
      {R"({"a": "hel)", R"({"a": "hel"})"},
      {R"({"a": "b\)", R"({"a": "b"})"},
      {R"({"a": "b\u00)", R"({"a": "b"})"},
      {R"({"a": "b\u00e9)", "{\"a\": \"b\u00e9\"}"},
      {R"({"a": 1, "b": 23)", R"({"a": 1})"},
      {R"({"a": tru)", "{}"},
      {R"({"a": [1, 2, 3)", R"({"a": [1, 2]})"},
      {R"({"a": {"b": [{"c": "d"}, {"e": "f)", R"({"a": {"b": [{"c": "d"}, {"e": "f"}]}})"},
      {R"({"a": 1, "b)", R"({"a": 1})"},
      {R"({"a": 1})", R"({"a": 1})"},
      {R"({"a": ["x",)", R"({"a": ["x"]})"},
      {"[1]", "{}"},
      {"nonsense", "{}"},
      {R"({"a": "x"} trailing)", R"({"a": "x"})"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(write_json(closed_object(text)), expected) << text;
}

TEST(ClosedJson, EveryPrefixIsAnObjectThatKeepsGrowing) {
  const std::string text = R"({"q": "a \"b\" \u00fc", "n": [-1.5e3, null, {"k": "}]"}], "m": {}, "z": true})";
  size_t last = 0;
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const JsonValue value = closed_object(text.substr(0, cut));
    ASSERT_TRUE(value.is_object()) << cut;
    EXPECT_GE(value.members().size(), last) << cut;
    last = value.members().size();
  }
  EXPECT_EQ(last, 4U);
}

}  // namespace
}  // namespace fathom
