// SPDX-License-Identifier: MIT
#include "train/recipe_table.h"

#include <algorithm>

#include "base/concat.h"

namespace fathom {
namespace {

std::string shown(const JsonValue& value) {
  std::string text = write_json(value);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

}  // namespace

RecipeTable::RecipeTable(const JsonValue* table, std::string name) : table_(table), name_(std::move(name)) {
  if (table != nullptr && !table->is_object()) {
    status_ = Status(StatusCode::kInvalidArgument,
                     concat("recipe: ", name_, ": expected a table, found ", shown(*table)));
    table_ = nullptr;
  }
}

const JsonValue* RecipeTable::take(std::string_view key) {
  known_.push_back(key);
  return table_ == nullptr ? nullptr : table_->find(key);
}

void RecipeTable::fail(std::string_view key, std::string_view expected, std::string_view found) {
  if (!status_.ok()) return;
  const std::string_view dot = name_.empty() ? "" : ".";
  status_ = Status(StatusCode::kInvalidArgument,
                   concat("recipe: ", name_, dot, key, ": expected ", expected, ", found ", found));
}

int64_t RecipeTable::integer(std::string_view key, int64_t least, int64_t most, int64_t otherwise) {
  const JsonValue* value = take(key);
  if (value == nullptr) return otherwise;
  const auto found = value->is_number() ? value->as_int64() : std::nullopt;
  if (found && *found >= least && *found <= most) return *found;
  fail(key, concat("a whole number from ", least, " to ", most), shown(*value));
  return otherwise;
}

double RecipeTable::number(std::string_view key, double least, double most, double otherwise) {
  const JsonValue* value = take(key);
  if (value == nullptr) return otherwise;
  const auto found = value->is_number() ? value->as_double() : std::nullopt;
  if (found && *found >= least && *found <= most) return *found;
  fail(key, concat("a number from ", format_json_double(least), " to ", format_json_double(most)),
       shown(*value));
  return otherwise;
}

bool RecipeTable::flag(std::string_view key, bool otherwise) {
  const JsonValue* value = take(key);
  if (value == nullptr) return otherwise;
  if (value->is_bool()) return value->as_bool();
  fail(key, "true or false", shown(*value));
  return otherwise;
}

std::string RecipeTable::text(std::string_view key, std::string_view otherwise) {
  const JsonValue* value = take(key);
  if (value == nullptr) return std::string(otherwise);
  if (value->is_string()) return value->as_string();
  fail(key, "a text", shown(*value));
  return std::string(otherwise);
}

size_t RecipeTable::choice(std::string_view key, const std::vector<std::string_view>& words,
                           size_t otherwise) {
  const JsonValue* value = take(key);
  if (value == nullptr) return otherwise;
  std::string expected;
  for (size_t i = 0; i < words.size(); ++i) {
    if (value->is_string() && value->as_string() == words[i]) return i;
    expected += concat(i == 0 ? "\"" : " or \"", words[i], "\"");
  }
  fail(key, expected, shown(*value));
  return otherwise;
}

const JsonValue* RecipeTable::part(std::string_view key) { return take(key); }

void RecipeTable::require(std::string_view key) {
  if (table_ == nullptr || table_->find(key) == nullptr) fail(key, "a value", "none");
}

Status RecipeTable::finish() {
  if (!status_.ok() || table_ == nullptr) return status_;
  for (const auto& [key, value] : table_->members()) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      fail(key, "a key of this table", concat(shown(value), ", which means nothing here"));
    }
  }
  return status_;
}

}  // namespace fathom
