// SPDX-License-Identifier: MIT
#include "io/toml.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/concat.h"

namespace fathom {
namespace {

Status refused(const toml::source_region& source, std::string_view what) {
  return Status(StatusCode::kCorrupt,
                concat("TOML: line ", source.begin.line, ", column ", source.begin.column, ": ", what));
}

// toml++ bounds the nesting of what it parses, so this recursion is bounded too.
Result<JsonValue> value_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return JsonValue::string(text->get());
  if (const auto* integer = node.as_integer()) return JsonValue::integer(integer->get());
  if (const auto* number = node.as_floating_point()) return JsonValue::number(number->get());
  if (const auto* boolean = node.as_boolean()) return JsonValue::boolean(boolean->get());
  if (const auto* array = node.as_array()) {
    JsonValue out = JsonValue::array();
    for (const toml::node& item : *array) {
      FATHOM_ASSIGN_OR_RETURN(JsonValue value, value_of(item));
      out.items().push_back(std::move(value));
    }
    return out;
  }
  if (const auto* table = node.as_table()) {
    JsonValue out = JsonValue::object();
    for (const auto& [key, item] : *table) {
      FATHOM_ASSIGN_OR_RETURN(JsonValue value, value_of(item));
      out.members().emplace_back(std::string(key.str()), std::move(value));
    }
    return out;
  }
  return refused(node.source(), "expected a string, number, boolean, array or table, found a date or time");
}

}  // namespace

Result<JsonValue> read_toml(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) return refused(parsed.error().source(), parsed.error().description());
  return value_of(parsed.table());
}

}  // namespace fathom
