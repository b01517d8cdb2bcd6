// SPDX-License-Identifier: MIT
// Parameter tables: every field an API reads, with its kind and range, once (api.md 4 to 9; reliability.md
// 11). The same table checks requests, makes openapi.json, and through it the generated tests.
//
// Tables are constants; the functions are pure. No recursion deeper than a table.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "io/json.h"
#include "server/server_options.h"

namespace fathom {

// Kinds of JSON values a field takes, as bits.
using ParameterKinds = uint8_t;
inline constexpr ParameterKinds kTakesBool = 1;
inline constexpr ParameterKinds kTakesInteger = 2;  // 5 or 5.0
inline constexpr ParameterKinds kTakesNumber = 4;
inline constexpr ParameterKinds kTakesString = 8;
inline constexpr ParameterKinds kTakesArray = 16;
inline constexpr ParameterKinds kTakesObject = 32;

struct Parameter {
  std::string_view name;  // of a member; empty for the item of an array or the values of a map
  ParameterKinds kinds = kTakesString;
  bool required = false;
  std::string_view summary = {};

  // Numbers.
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;  // min itself is not allowed
  // Strings: bytes, and the words when only some are allowed.
  int64_t min_length = 0;
  int64_t max_length = std::numeric_limits<int64_t>::max();
  std::span<const std::string_view> words = {};
  // Arrays, and objects that are maps: number of items.
  int64_t min_items = 0;
  int64_t max_items = std::numeric_limits<int64_t>::max();
  // Arrays: each item; maps: each value. Null: anything.
  const Parameter* item = nullptr;
  // Objects: the members that are known; others are ignored.
  std::span<const Parameter> members = {};
  // A configurable cap that replaces max, max_items or max_length, whichever the kind has.
  int64_t RequestCaps::* cap = nullptr;
};

// Checks the members of `object`. `null` means absent. kInvalidArgument naming the first wrong one by its
// path.
Status check_parameters(const JsonValue& object, std::span<const Parameter> table, const RequestCaps& caps,
                        std::string_view path = {});

// The table as a JSON schema object.
JsonValue schema_of_table(std::span<const Parameter> table, const RequestCaps& caps);

// Members that check_parameters has passed; nothing when absent.
std::optional<int64_t> integer_member(const JsonValue& object, std::string_view key);
std::optional<double> number_member(const JsonValue& object, std::string_view key);
std::optional<bool> bool_member(const JsonValue& object, std::string_view key);
std::optional<std::string> string_member(const JsonValue& object, std::string_view key);
// The member unless it is absent or null.
const JsonValue* present_member(const JsonValue& object, std::string_view key);

// An integer written as 5 or 5.0; nothing for other numbers.
std::optional<int64_t> integer_of(const JsonValue& number);

}  // namespace fathom
