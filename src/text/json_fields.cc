// SPDX-License-Identifier: MIT
#include "text/json_fields.h"

#include <vector>

#include "base/concat.h"

namespace fathom {
namespace {

std::string_view expected_name(JsonValue::Kind kind) noexcept {
  switch (kind) {
    case JsonValue::Kind::kNull: return "null";
    case JsonValue::Kind::kBool: return "a boolean";
    case JsonValue::Kind::kNumber: return "a number";
    case JsonValue::Kind::kString: return "a string";
    case JsonValue::Kind::kArray: return "an array";
    case JsonValue::Kind::kObject: return "an object";
  }
  return {};
}

}  // namespace

std::string JsonPlace::path_of(std::string_view key) const {
  return path.empty() ? std::string(key) : concat(path, '.', key);
}

std::string item_path(std::string_view array, size_t index) { return concat(array, '[', index, ']'); }

Status wrong_field(std::string_view path, std::string_view expected, const JsonValue& found) {
  return Status(StatusCode::kInvalidArgument,
                concat(path, ": expected ", expected, ", found ", found.kind_name()));
}

Status check_finite_numbers(const JsonValue& body) {
  std::vector<const JsonValue*> open = {&body};
  while (!open.empty()) {
    const JsonValue& value = *open.back();
    open.pop_back();
    if (value.is_number() && !value.as_double()) {
      return Status(StatusCode::kInvalidArgument,
                    concat("request: expected finite numbers, found ", value.as_number_text().substr(0, 32)));
    }
    if (value.is_array()) {
      for (const JsonValue& item : value.items()) open.push_back(&item);
    } else if (value.is_object()) {
      for (const JsonValue::Member& member : value.members()) open.push_back(&member.second);
    }
  }
  return {};
}

Result<const JsonValue*> optional_member(const JsonPlace& place, std::string_view key, JsonValue::Kind kind) {
  const JsonValue* member = place.object.find(key);
  if (member == nullptr || member->is_null()) return nullptr;
  if (member->kind() != kind) return wrong_field(place.path_of(key), expected_name(kind), *member);
  return member;
}

Result<std::optional<std::string>> optional_string(const JsonPlace& place, std::string_view key) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* member, optional_member(place, key, JsonValue::Kind::kString));
  if (member == nullptr) return std::optional<std::string>();
  return std::optional<std::string>(member->as_string());
}

Result<std::optional<bool>> optional_bool(const JsonPlace& place, std::string_view key) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* member, optional_member(place, key, JsonValue::Kind::kBool));
  if (member == nullptr) return std::optional<bool>();
  return std::optional<bool>(member->as_bool());
}

Result<const JsonValue*> required_member(const JsonPlace& place, std::string_view key, JsonValue::Kind kind) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* member, optional_member(place, key, kind));
  if (member != nullptr) return member;
  return Status(StatusCode::kInvalidArgument,
                concat(place.path_of(key), ": expected ", expected_name(kind), ", found nothing"));
}

Result<std::string> required_string(const JsonPlace& place, std::string_view key) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* member, required_member(place, key, JsonValue::Kind::kString));
  return member->as_string();
}

}  // namespace fathom
