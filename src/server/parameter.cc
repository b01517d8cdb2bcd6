// SPDX-License-Identifier: MIT
#include "server/parameter.h"

#include <algorithm>
#include <cmath>

#include "base/concat.h"
#include "text/json_fields.h"

namespace fathom {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

struct KindName {
  ParameterKinds kind;
  std::string_view in_words;
  std::string_view in_schema;
};
constexpr KindName kKindNames[] = {
    {kTakesBool, "a boolean", "boolean"}, {kTakesInteger, "an integer", "integer"},
    {kTakesNumber, "a number", "number"}, {kTakesString, "a string", "string"},
    {kTakesArray, "an array", "array"},   {kTakesObject, "an object", "object"},
};

// A table with its configurable caps filled in.
Parameter with_cap(const Parameter& parameter, const RequestCaps& caps) {
  Parameter out = parameter;
  if (parameter.cap == nullptr) return out;
  const int64_t cap = caps.*parameter.cap;
  if ((out.kinds & (kTakesInteger | kTakesNumber)) != 0) out.max = static_cast<double>(cap);
  if ((out.kinds & (kTakesArray | kTakesObject)) != 0) out.max_items = cap;
  if (out.kinds == kTakesString) out.max_length = cap;
  return out;
}

std::string kinds_in_words(ParameterKinds kinds) {
  std::string out;
  for (const KindName& name : kKindNames) {
    if ((kinds & name.kind) != 0) out += concat(out.empty() ? "" : " or ", name.in_words);
  }
  return out;
}

ParameterKinds kinds_of(const JsonValue& value) {
  switch (value.kind()) {
    case JsonValue::Kind::kNull: return 0;
    case JsonValue::Kind::kBool: return kTakesBool;
    case JsonValue::Kind::kNumber:
      return static_cast<ParameterKinds>(kTakesNumber | (integer_of(value) ? kTakesInteger : 0));
    case JsonValue::Kind::kString: return kTakesString;
    case JsonValue::Kind::kArray: return kTakesArray;
    case JsonValue::Kind::kObject: return kTakesObject;
  }
  return 0;
}

// 20 instead of 20.0.
std::string bound_text(double bound) {
  const auto whole = static_cast<int64_t>(std::clamp(bound, -9e18, 9e18));
  return static_cast<double>(whole) == bound ? concat(whole) : concat(bound);
}

Status wrong(std::string_view path, std::string_view expected, std::string_view found) {
  return Status(StatusCode::kInvalidArgument, concat(path, ": expected ", expected, ", found ", found));
}

Status check_number(const Parameter& parameter, const JsonValue& value, std::string_view path) {
  const double number = value.as_double().value_or(std::numeric_limits<double>::infinity());
  const bool inside = number >= parameter.min && number <= parameter.max &&
                      !(parameter.above_min && number == parameter.min) && std::isfinite(number);
  if (inside) return {};
  std::string expected((parameter.kinds & kTakesNumber) != 0 ? "a number" : "an integer");
  if (std::isfinite(parameter.min))
    expected += concat(parameter.above_min ? " above " : " from ", bound_text(parameter.min));
  if (std::isfinite(parameter.max)) expected += concat(" to ", bound_text(parameter.max));
  return wrong(path, expected, value.as_number_text().substr(0, 32));
}

Status check_string(const Parameter& parameter, const std::string& text, std::string_view path) {
  const auto length = static_cast<int64_t>(text.size());
  if (length < parameter.min_length || length > parameter.max_length) {
    return wrong(path,
                 parameter.max_length == kNoLimit
                     ? concat("at least ", parameter.min_length, " bytes")
                     : concat(parameter.min_length, " to ", parameter.max_length, " bytes"),
                 concat(length));
  }
  if (parameter.words.empty()) return {};
  if (std::find(parameter.words.begin(), parameter.words.end(), text) != parameter.words.end()) return {};
  std::string expected;
  for (size_t i = 0; i < parameter.words.size(); ++i) {
    if (i > 0) expected += i + 1 == parameter.words.size() ? " or " : ", ";
    expected += parameter.words[i];
  }
  return wrong(path, expected, "another word");
}

Status check_count(const Parameter& parameter, size_t count, std::string_view path) {
  if (static_cast<int64_t>(count) < parameter.min_items)
    return wrong(path, concat("at least ", parameter.min_items), concat(count));
  if (static_cast<int64_t>(count) > parameter.max_items)
    return wrong(path, concat("at most ", parameter.max_items), concat(count));
  return {};
}

Status check_value(const Parameter& original, const JsonValue& value, const RequestCaps& caps,
                   std::string_view path) {
  const Parameter parameter = with_cap(original, caps);
  const ParameterKinds kinds = kinds_of(value);
  if ((kinds & parameter.kinds) == 0) {
    // A number where an integer is due says which number it is.
    const std::string found =
        value.is_number() ? value.as_number_text().substr(0, 32) : concat(value.kind_name());
    return wrong(path, kinds_in_words(parameter.kinds), found);
  }
  if (value.is_number()) return check_number(parameter, value, path);
  if (value.is_string()) return check_string(parameter, value.as_string(), path);
  if (value.is_array()) {
    FATHOM_RETURN_IF_ERROR(check_count(parameter, value.items().size(), path));
    for (size_t i = 0; parameter.item != nullptr && i < value.items().size(); ++i) {
      FATHOM_RETURN_IF_ERROR(check_value(*parameter.item, value.items()[i], caps, item_path(path, i)));
    }
  }
  if (!value.is_object()) return {};
  if (parameter.item != nullptr) {
    FATHOM_RETURN_IF_ERROR(check_count(parameter, value.members().size(), path));
    for (const JsonValue::Member& member : value.members()) {
      FATHOM_RETURN_IF_ERROR(
          check_value(*parameter.item, member.second, caps, concat(path, '.', member.first)));
    }
  }
  return check_parameters(value, parameter.members, caps, path);
}

void set_type(JsonValue& schema, ParameterKinds kinds) {
  std::vector<JsonValue> types;
  for (const KindName& name : kKindNames) {
    if ((kinds & name.kind) != 0) types.push_back(JsonValue::string(std::string(name.in_schema)));
  }
  types.push_back(JsonValue::string("null"));
  schema.set("type", JsonValue::array(std::move(types)));
}

JsonValue number_value(double value) { return JsonValue::number_text(bound_text(value)); }

JsonValue schema_of(const Parameter& original, const RequestCaps& caps) {
  const Parameter parameter = with_cap(original, caps);
  JsonValue schema = JsonValue::object();
  set_type(schema, parameter.kinds);
  if (!parameter.summary.empty())
    schema.set("description", JsonValue::string(std::string(parameter.summary)));
  if (std::isfinite(parameter.min))
    schema.set(parameter.above_min ? "exclusiveMinimum" : "minimum", number_value(parameter.min));
  if (std::isfinite(parameter.max)) schema.set("maximum", number_value(parameter.max));
  if (parameter.min_length > 0) schema.set("minLength", JsonValue::integer(parameter.min_length));
  if (parameter.max_length != kNoLimit) schema.set("maxLength", JsonValue::integer(parameter.max_length));
  if (!parameter.words.empty() && parameter.kinds == kTakesString) {
    std::vector<JsonValue> words;
    for (const std::string_view word : parameter.words) words.push_back(JsonValue::string(std::string(word)));
    words.emplace_back();
    schema.set("enum", JsonValue::array(std::move(words)));
  }
  const bool is_array = (parameter.kinds & kTakesArray) != 0;
  if (parameter.min_items > 0) schema.set("minItems", JsonValue::integer(parameter.min_items));
  if (parameter.max_items != kNoLimit)
    schema.set(is_array ? "maxItems" : "maxProperties", JsonValue::integer(parameter.max_items));
  if (parameter.item != nullptr)
    schema.set(is_array ? "items" : "additionalProperties", schema_of(*parameter.item, caps));
  if (!parameter.members.empty()) {
    JsonValue members = schema_of_table(parameter.members, caps);
    for (JsonValue::Member& member : members.members()) {
      if (member.first != "type") schema.set(member.first, std::move(member.second));
    }
  }
  return schema;
}

}  // namespace

Status check_parameters(const JsonValue& object, std::span<const Parameter> table, const RequestCaps& caps,
                        std::string_view path) {
  for (const Parameter& parameter : table) {
    const JsonValue* value = present_member(object, parameter.name);
    const std::string place = JsonPlace{object, std::string(path)}.path_of(parameter.name);
    if (value == nullptr) {
      if (parameter.required) return wrong(place, kinds_in_words(parameter.kinds), "nothing");
      continue;
    }
    FATHOM_RETURN_IF_ERROR(check_value(parameter, *value, caps, place));
  }
  return {};
}

JsonValue schema_of_table(std::span<const Parameter> table, const RequestCaps& caps) {
  JsonValue properties = JsonValue::object();
  std::vector<JsonValue> required;
  for (const Parameter& parameter : table) {
    properties.set(parameter.name, schema_of(parameter, caps));
    if (parameter.required) required.push_back(JsonValue::string(std::string(parameter.name)));
  }
  JsonValue schema = JsonValue::object();
  schema.set("type", JsonValue::string("object"));
  schema.set("properties", std::move(properties));
  if (!required.empty()) schema.set("required", JsonValue::array(std::move(required)));
  return schema;
}

std::optional<int64_t> integer_of(const JsonValue& number) {
  if (!number.is_number()) return std::nullopt;
  if (const auto value = number.as_int64()) return value;
  const std::optional<double> real = number.as_double();
  constexpr double kExact =
      9007199254740992.0;  // 2^53: beyond it a double no longer says which integer is meant
  if (!real || std::abs(*real) > kExact || std::trunc(*real) != *real) return std::nullopt;
  return static_cast<int64_t>(*real);
}

const JsonValue* present_member(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<int64_t> integer_member(const JsonValue& object, std::string_view key) {
  const JsonValue* value = present_member(object, key);
  return value == nullptr ? std::nullopt : integer_of(*value);
}

std::optional<double> number_member(const JsonValue& object, std::string_view key) {
  const JsonValue* value = present_member(object, key);
  return value == nullptr || !value->is_number() ? std::nullopt : value->as_double();
}

std::optional<bool> bool_member(const JsonValue& object, std::string_view key) {
  const JsonValue* value = present_member(object, key);
  return value == nullptr || !value->is_bool() ? std::nullopt : std::optional(value->as_bool());
}

std::optional<std::string> string_member(const JsonValue& object, std::string_view key) {
  const JsonValue* value = present_member(object, key);
  return value == nullptr || !value->is_string() ? std::nullopt : std::optional(value->as_string());
}

}  // namespace fathom
