// SPDX-License-Identifier: MIT
// Objects of a tokenizer.json whose fields may have only some values: a table per object instead of code.
//
// Pure functions, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "io/json.h"

namespace fathom {

struct JsonRule {
  enum Presence : uint8_t { kOptional, kRequired };

  std::string_view key;
  std::string_view allowed;  // JSON texts separated by '|'; empty: checked elsewhere
  Presence presence = kOptional;
};

// `value` is an object, has the required keys, no key without a rule and only allowed values. kCorrupt when
// it is not an object or misses a key, kUnsupported otherwise; the message begins with the path of the field,
// `where` being that of the object ("" for the file). A null `value` is a missing field.
Status check_json_object(const JsonValue* value, std::string_view where, std::span<const JsonRule> rules);

// A value for a message: short scalars as they are, others by kind. Null: "nothing".
std::string describe_json(const JsonValue* value);
// Text in quotes, cut after 100 bytes.
std::string describe_text(std::string_view text);

}  // namespace fathom
