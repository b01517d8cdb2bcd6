// SPDX-License-Identifier: MIT
#include "text/constraint_schema.h"

#include <gtest/gtest.h>

#include <string>

#include "base/concat.h"

namespace fathom {
namespace {

constexpr auto kIgnore = ConstraintSpec::Keywords::kIgnoreUnsupported;
constexpr auto kRefuse = ConstraintSpec::Keywords::kRefuseUnsupported;

std::string read(std::string_view text, ConstraintSpec::Keywords keywords = kIgnore) {
  const auto schema = read_schema(text, keywords, "schema");
  return schema.ok() ? write_json(*schema) : std::string(schema.status().message());
}

std::string alone(std::string_view root_text, std::string_view reference = "#") {
  const auto root = read_json(root_text);
  const JsonValue* place = find_reference(*root, reference);
  if (place == nullptr) return "no such place";
  const auto schema = standalone_schema(*place, *root);
  return schema.ok() ? write_json(*schema) : std::string(schema.status().message());
}

TEST(ConstraintSchema, UnsupportedKeywordsAreDroppedOrNamed) {
  const std::string text =
      R"({"type": "array", "items": {"not": {}, "type": "integer"}, "uniqueItems": true})";
  EXPECT_EQ(read(text), R"({"type": "array", "items": {"type": "integer"}})");
  EXPECT_EQ(read(text, kRefuse), "schema: \"not\" is not supported with strict");
  EXPECT_EQ(read(R"({"uniqueItems": false})", kRefuse), "{}");
}

// A property may have the name of a keyword.
TEST(ConstraintSchema, PropertyNamesAreNoKeywords) {
  const std::string text =
      R"({"properties": {"not": {"type": "string"}, "pattern": true}, "enum": [{"not": 1}]})";
  EXPECT_EQ(read(text, kRefuse), text);
}

TEST(ConstraintSchema, PatternsBeyondAutomataOnlyNarrow) {
  const std::string text = R"j({"type": "string", "pattern": "(?=a)"})j";
  EXPECT_EQ(read(text), R"({"type": "string"})");
  EXPECT_NE(read(text, kRefuse).find("not supported"), std::string::npos);
}

TEST(ConstraintSchema, CapsHoldAtTheLimit) {
  const auto pattern = [](size_t size) { return concat(R"({"pattern": ")", std::string(size, 'a'), "\"}"); };
  EXPECT_EQ(read(pattern(kMaxPatternBytes)), pattern(kMaxPatternBytes));
  EXPECT_NE(read(pattern(kMaxPatternBytes + 1)).find("at most 4096 bytes"), std::string::npos);

  const auto nested = [](int levels) {
    std::string text = "true";
    for (int i = 0; i < levels; ++i) text = concat(R"({"items": )", text, "}");
    return text;
  };
  EXPECT_EQ(read(nested(kMaxSchemaDepth)), nested(kMaxSchemaDepth));
  EXPECT_NE(read(nested(kMaxSchemaDepth + 1)).find("64 levels"), std::string::npos);

  const auto sized = [](size_t size) {
    const std::string frame = R"({"title": ""})";
    return concat(R"({"title": ")", std::string(size - frame.size(), 'x'), "\"}");
  };
  EXPECT_EQ(read(sized(kMaxSchemaBytes)).size(), kMaxSchemaBytes);
  EXPECT_NE(read(sized(kMaxSchemaBytes + 1)).find("at most 262144 bytes"), std::string::npos);
}

TEST(ConstraintSchema, ReferencesFollowWhatTheyReach) {
  const std::string text =
      R"({"properties": {"a": {"$ref": "#/$defs/x~1y%20z"}}, "$defs": {"x/y z": {"items": {"$ref": "#"}}, "u": {}}})";
  EXPECT_EQ(alone(text, "#/properties/a"),
            R"({"$ref": "#/$defs/r0", "$defs": {"r0": {"items": {"$ref": "#/$defs/r1"}}, )"
            R"("r1": {"properties": {"a": {"$ref": "#/$defs/r0"}}}}})");
}

TEST(ConstraintSchema, ReferencesOutOfTheDocumentAreRefused) {
  for (const char* reference : {"#/$defs/none", "other.json", "#anchor", "http://localhost/x"}) {
    EXPECT_NE(alone(concat(R"({"$ref": ")", reference, "\"}")).find("expected a place in this schema"),
              std::string::npos)
        << reference;
  }
}

TEST(ConstraintSchema, DefinitionsAreDroppedPropertiesOfThatNameStay) {
  const std::string text = R"({"properties": {"definitions": {"type": "string"}}})";
  EXPECT_EQ(alone(text), text);
}

TEST(ConstraintSchema, FormatsBecomePatterns) {
  EXPECT_EQ(read(R"({"format": "uuid", "type": "string"})").find("format"), std::string::npos);
  EXPECT_EQ(read(R"({"format": "regex"})"), R"({"format": "regex"})");
}

}  // namespace
}  // namespace fathom
