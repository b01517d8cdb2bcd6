// SPDX-License-Identifier: MIT
// Members of a request object with the errors a client can act on: the field's path, what was expected, what
// was found (api.md 2). `null` means absent. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "io/json.h"

namespace fathom {

// A place in a request body: the object and its own path ("messages[2]"; empty at the top).
struct JsonPlace {
  const JsonValue& object;
  std::string path;

  // "messages[2].role"
  std::string path_of(std::string_view key) const;
};

// The path of an array's item: "messages[3]".
std::string item_path(std::string_view array, size_t index);

// kInvalidArgument "PATH: expected EXPECTED, found A KIND".
Status wrong_field(std::string_view path, std::string_view expected, const JsonValue& found);

// Whether every number of a body fits binary64; kInvalidArgument naming the first that does not. No
// recursion.
Status check_finite_numbers(const JsonValue& body);

// The member when it is there, is not null and has the kind; null pointer when absent; an error for another
// kind.
Result<const JsonValue*> optional_member(const JsonPlace& place, std::string_view key, JsonValue::Kind kind);
Result<std::optional<std::string>> optional_string(const JsonPlace& place, std::string_view key);
Result<std::optional<bool>> optional_bool(const JsonPlace& place, std::string_view key);
// An absent one is an error too.
Result<std::string> required_string(const JsonPlace& place, std::string_view key);
Result<const JsonValue*> required_member(const JsonPlace& place, std::string_view key, JsonValue::Kind kind);

}  // namespace fathom
