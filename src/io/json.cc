// SPDX-License-Identifier: MIT
#include "io/json.h"

#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/concat.h"

namespace fathom {

JsonValue JsonValue::boolean(bool value) {
  JsonValue out;
  out.kind_ = Kind::kBool;
  out.bool_ = value;
  return out;
}

JsonValue JsonValue::string(std::string value) {
  JsonValue out;
  out.kind_ = Kind::kString;
  out.text_ = std::move(value);
  return out;
}

JsonValue JsonValue::integer(int64_t value) { return number_text(concat(value)); }

JsonValue JsonValue::number(double value) { return number_text(format_json_double(value)); }

JsonValue JsonValue::number_text(std::string text) {
  JsonValue out;
  out.kind_ = Kind::kNumber;
  out.text_ = std::move(text);
  return out;
}

JsonValue JsonValue::array(std::vector<JsonValue> items) {
  JsonValue out;
  out.kind_ = Kind::kArray;
  out.items_ = std::move(items);
  return out;
}

JsonValue JsonValue::object(std::vector<Member> members) {
  JsonValue out;
  out.kind_ = Kind::kObject;
  out.members_ = std::make_unique<std::vector<Member>>(std::move(members));
  return out;
}

JsonValue JsonValue::clone() const {
  JsonValue out;
  out.kind_ = kind_;
  out.bool_ = bool_;
  out.text_ = text_;
  out.items_.reserve(items_.size());
  for (const JsonValue& item : items_) out.items_.push_back(item.clone());
  if (members_) {
    out.members_ = std::make_unique<std::vector<Member>>();
    out.members_->reserve(members_->size());
    for (const Member& member : *members_) out.members_->emplace_back(member.first, member.second.clone());
  }
  return out;
}

bool JsonValue::as_bool() const noexcept {
  FATHOM_CHECK(is_bool());
  return bool_;
}

const std::string& JsonValue::as_string() const noexcept {
  FATHOM_CHECK(is_string());
  return text_;
}

const std::string& JsonValue::as_number_text() const noexcept {
  FATHOM_CHECK(is_number());
  return text_;
}

const std::vector<JsonValue>& JsonValue::items() const noexcept {
  FATHOM_CHECK(is_array());
  return items_;
}

std::vector<JsonValue>& JsonValue::items() noexcept {
  FATHOM_CHECK(is_array());
  return items_;
}

const std::vector<JsonValue::Member>& JsonValue::members() const noexcept {
  FATHOM_CHECK(is_object());
  return *members_;
}

std::vector<JsonValue::Member>& JsonValue::members() noexcept {
  FATHOM_CHECK(is_object());
  return *members_;
}

std::optional<int64_t> JsonValue::as_int64() const noexcept {
  if (!is_number()) return std::nullopt;
  int64_t out = 0;
  const char* end = text_.data() + text_.size();
  const auto parsed = std::from_chars(text_.data(), end, out);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return out;
}

std::optional<double> JsonValue::as_double() const noexcept {
  if (!is_number()) return std::nullopt;
  double out = 0;
  const char* end = text_.data() + text_.size();
  const auto parsed = std::from_chars(text_.data(), end, out);
  // A magnitude below the smallest denormal reads as zero, as everywhere; one above the largest has no value.
  if (parsed.ec == std::errc::result_out_of_range && text_.find("e-") != std::string::npos) return 0.0;
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(out)) return std::nullopt;
  return out;
}

const JsonValue* JsonValue::find(std::string_view key) const noexcept {
  if (!is_object()) return nullptr;
  for (const Member& member : *members_) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

void JsonValue::set(std::string_view key, JsonValue value) {
  FATHOM_CHECK(is_object());
  for (Member& member : *members_) {
    if (member.first == key) {
      member.second = std::move(value);
      return;
    }
  }
  members_->emplace_back(std::string(key), std::move(value));
}

std::string_view JsonValue::kind_name() const noexcept {
  switch (kind_) {
    case Kind::kNull: return "null";
    case Kind::kBool: return "a boolean";
    case Kind::kNumber: return "a number";
    case Kind::kString: return "a string";
    case Kind::kArray: return "an array";
    case Kind::kObject: return "an object";
  }
  return "";
}

}  // namespace fathom
