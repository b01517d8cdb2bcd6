// SPDX-License-Identifier: MIT
#include "text/constraint_schema.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/concat.h"
#include "text/constraint_pattern.h"

namespace fathom {
namespace {

using Keywords = ConstraintSpec::Keywords;
using std::string_view;

// Keywords that only narrow and have no grammar here.
constexpr std::array<string_view, 15> kUnsupported = {"not",
                                                      "if",
                                                      "then",
                                                      "else",
                                                      "dependentRequired",
                                                      "dependentSchemas",
                                                      "dependencies",
                                                      "uniqueItems",
                                                      "contains",
                                                      "minContains",
                                                      "maxContains",
                                                      "propertyNames",
                                                      "$dynamicRef",
                                                      "unevaluatedItems",
                                                      "unevaluatedProperties"};
// Keywords whose value is a schema, a list of schemas, or an object of schemas.
constexpr std::array<string_view, 7> kSchemaKeywords = {
    "items", "additionalItems", "additionalProperties", "prefixItems", "anyOf", "oneOf", "allOf"};
constexpr std::array<string_view, 4> kSchemaMaps = {"properties", "patternProperties", "$defs",
                                                    "definitions"};

template <size_t N>
bool contains(const std::array<string_view, N>& words, string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr size_t kMaxObjectProperties = 1000;
constexpr size_t kMaxProperties = 5000;

// Calls `visit` for each schema that is directly inside the member `key` of a schema. Everything else a
// schema holds (constants, examples, annotations) is data.
template <typename Visit>
Status for_each_subschema(string_view key, JsonValue& value, Visit visit) {
  if (contains(kSchemaMaps, key) && value.is_object()) {
    for (auto& [name, schema] : value.members()) FATHOM_RETURN_IF_ERROR(visit(schema));
  } else if (contains(kSchemaKeywords, key) && value.is_array()) {
    for (JsonValue& schema : value.items()) FATHOM_RETURN_IF_ERROR(visit(schema));
  } else if (contains(kSchemaKeywords, key)) {
    return visit(value);
  }
  return {};
}

class Checker {
 public:
  Checker(Keywords keywords, string_view where) : keywords_(keywords), where_(where) {}

  Status check(JsonValue& schema) {
    if (schema.is_bool()) return {};
    if (!schema.is_object()) {
      return invalid(concat("expected an object or a boolean as schema, found ", schema.kind_name()));
    }
    format_to_pattern(schema);
    auto& members = schema.members();
    for (size_t i = 0; i < members.size();) {
      FATHOM_ASSIGN_OR_RETURN(const bool keep, check_member(members[i].first, members[i].second));
      if (keep) {
        ++i;
      } else {
        members.erase(members.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    return {};
  }

 private:
  Status invalid(string_view reason) const {
    return {StatusCode::kInvalidArgument, concat(where_, ": ", reason)};
  }

  // False: to be taken out.
  Result<bool> refuse_or_drop(string_view what) const {
    if (keywords_ == Keywords::kIgnoreUnsupported) return false;
    return Status(StatusCode::kUnsupported, concat(where_, ": ", what, " is not supported with strict"));
  }

  Result<bool> check_member(const std::string& key, JsonValue& value) {
    if (contains(kUnsupported, key)) {
      if (key == "uniqueItems" && value.is_bool() && !value.as_bool()) return false;
      return refuse_or_drop(concat('"', key, '"'));
    }
    if (key == "pattern") return check_pattern(value);
    if (key == "properties") FATHOM_RETURN_IF_ERROR(count_properties(value));
    if (key == "patternProperties" && value.is_object()) {
      for (const auto& [pattern, schema] : value.members()) {
        if (pattern.size() > kMaxPatternBytes) return invalid(pattern_too_long());
      }
    }
    FATHOM_RETURN_IF_ERROR(
        for_each_subschema(key, value, [this](JsonValue& schema) { return check(schema); }));
    return true;
  }

  // Formats have one meaning wherever the string stands.
  static void format_to_pattern(JsonValue& schema) {
    const JsonValue* format = schema.find("format");
    if (format == nullptr || !format->is_string() || schema.find("pattern") != nullptr) return;
    const auto pattern = format_pattern(format->as_string());
    if (!pattern) return;
    std::erase_if(schema.members(), [](const auto& member) { return member.first == "format"; });
    schema.set("pattern", JsonValue::string(std::string(*pattern)));
  }

  // The work for optional properties grows with the square of their number.
  Status count_properties(const JsonValue& value) {
    if (!value.is_object()) return {};
    properties_ += value.members().size();
    if (value.members().size() <= kMaxObjectProperties && properties_ <= kMaxProperties) return {};
    return invalid(concat("expected at most ", kMaxObjectProperties, " properties of one object and ",
                          kMaxProperties, " in all, found more"));
  }

  Result<bool> check_pattern(const JsonValue& value) const {
    if (!value.is_string())
      return invalid(concat("\"pattern\": expected a string, found ", value.kind_name()));
    if (value.as_string().size() > kMaxPatternBytes) return invalid(pattern_too_long());
    if (is_automaton_pattern(value.as_string())) return true;
    return refuse_or_drop(
        "a \"pattern\" with look-around, back references, word borders or more than 1000 repetitions");
  }

  static std::string pattern_too_long() {
    return concat("expected patterns of at most ", kMaxPatternBytes, " bytes, found a longer one");
  }

  Keywords keywords_;
  string_view where_;
  size_t properties_ = 0;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// One step of a JSON pointer in a URI fragment: %XX, ~1 and ~0 stand for other characters.
std::string unescape_step(string_view step) {
  std::string bytes;
  for (size_t i = 0; i < step.size(); ++i) {
    if (step[i] == '%' && i + 2 < step.size() && hex_digit(step[i + 1]) >= 0 && hex_digit(step[i + 2]) >= 0) {
      bytes.push_back(static_cast<char>(hex_digit(step[i + 1]) * 16 + hex_digit(step[i + 2])));
      i += 2;
    } else {
      bytes.push_back(step[i]);
    }
  }
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool escape =
        bytes[i] == '~' && i + 1 < bytes.size() && (bytes[i + 1] == '0' || bytes[i + 1] == '1');
    if (escape) ++i;
    out.push_back(!escape ? bytes[i] : bytes[i] == '1' ? '/' : '~');
  }
  return out;
}

const JsonValue* step_into(const JsonValue& value, const std::string& step) {
  if (value.is_object()) return value.find(step);
  if (!value.is_array() || step.empty() || step.size() > 6) return nullptr;
  size_t index = 0;
  for (const char c : step) {
    if (c < '0' || c > '9') return nullptr;
    index = index * 10 + static_cast<size_t>(c - '0');
  }
  return index < value.items().size() ? &value.items()[index] : nullptr;
}

class ReferenceMover {
 public:
  explicit ReferenceMover(const JsonValue& root) : root_(root) {}

  Result<JsonValue> run(const JsonValue& place) {
    JsonValue document = place.clone();
    FATHOM_RETURN_IF_ERROR(rewrite(document));
    JsonValue definitions = JsonValue::object();
    for (size_t i = 0; i < references_.size(); ++i) {  // grows while it is worked off
      const JsonValue* target = find_reference(root_, references_[i]);
      if (target == nullptr) {
        return Status(StatusCode::kInvalidArgument,
                      concat("\"$ref\": expected a place in this schema, found \"", references_[i], '"'));
      }
      JsonValue copy = target->clone();
      FATHOM_RETURN_IF_ERROR(rewrite(copy));
      total_bytes_ += write_json(copy).size();
      if (total_bytes_ > 4 * kMaxSchemaBytes) {
        return Status(StatusCode::kInvalidArgument, "\"$ref\": the references repeat too much of the schema");
      }
      definitions.members().emplace_back(name(i), std::move(copy));
    }
    if (!references_.empty()) document.set("$defs", std::move(definitions));
    return document;
  }

 private:
  static std::string name(size_t index) { return concat('r', index); }

  Status rewrite(JsonValue& schema) {
    if (!schema.is_object()) return {};
    auto& members = schema.members();
    std::erase_if(members, [](const auto& m) { return m.first == "$defs" || m.first == "definitions"; });
    for (auto& [key, member] : members) {
      if (key == "$ref" && member.is_string()) {
        member = JsonValue::string(concat("#/$defs/", name(index_of(member.as_string()))));
      }
      FATHOM_RETURN_IF_ERROR(
          for_each_subschema(key, member, [this](JsonValue& inner) { return rewrite(inner); }));
    }
    return {};
  }

  size_t index_of(const std::string& reference) {
    const auto found = std::find(references_.begin(), references_.end(), reference);
    if (found == references_.end()) references_.push_back(reference);
    return static_cast<size_t>(std::find(references_.begin(), references_.end(), reference) -
                               references_.begin());
  }

  const JsonValue& root_;
  std::vector<std::string> references_;
  size_t total_bytes_ = 0;
};

}  // namespace

Result<JsonValue> read_schema(string_view text, Keywords keywords, string_view where) {
  if (text.size() > kMaxSchemaBytes) {
    return Status(StatusCode::kInvalidArgument, concat(where, ": expected a schema of at most ",
                                                       kMaxSchemaBytes, " bytes, found ", text.size()));
  }
  auto value = read_json(text, {.max_depth = kMaxSchemaDepth});
  if (!value.ok()) {
    return Status(StatusCode::kInvalidArgument, concat(where, ": ", value.status().message()));
  }
  FATHOM_RETURN_IF_ERROR(Checker(keywords, where).check(*value));
  return value;
}

Result<JsonValue> standalone_schema(const JsonValue& place, const JsonValue& root) {
  return ReferenceMover(root).run(place);
}

const JsonValue* find_reference(const JsonValue& root, string_view reference) {
  if (!reference.starts_with('#')) return nullptr;
  reference.remove_prefix(1);
  const JsonValue* place = &root;
  while (place != nullptr && !reference.empty()) {
    if (reference.front() != '/') return nullptr;
    reference.remove_prefix(1);
    const size_t end = std::min(reference.find('/'), reference.size());
    place = step_into(*place, unescape_step(reference.substr(0, end)));
    reference.remove_prefix(end);
  }
  return place;
}

}  // namespace fathom
