// SPDX-License-Identifier: MIT
#include "io/toml.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(Toml, ValuesKeepTheirKind) {
  const auto value = read_toml("a = 5\nb = 5.0\nc = \"x\"\nd = [1, 2]\n[e]\nf = true\n");
  ASSERT_TRUE(value.ok()) << value.status().message();
  EXPECT_EQ(write_json(*value), R"({"a": 5, "b": 5.0, "c": "x", "d": [1, 2], "e": {"f": true}})");
}

TEST(Toml, ErrorsNameThePlace) {
  for (const auto& [text, place] :
       {std::pair{"a = \n", "TOML: line 1, column "},
        {"a = 1\na = 2\n", "TOML: line 2"},
        {"a = 1\nb = 1979-05-27\n", "TOML: line 2, column 5: expected a string"}}) {
    const auto value = read_toml(text);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_EQ(value.status().code(), StatusCode::kCorrupt);
    EXPECT_TRUE(value.status().message().starts_with(place)) << value.status().message();
  }
}

TEST(Toml, DeepNestingIsRefusedNotFollowed) {
  EXPECT_FALSE(read_toml("a = " + std::string(100'000, '[')).ok());
}

}  // namespace
}  // namespace fathom
