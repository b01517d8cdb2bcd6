// SPDX-License-Identifier: MIT
// JSON schemas from clients, made fit for the grammar engine (api.md 4.6; caps of reliability.md 3).
//
// Pure functions. Walking needs little stack: the reader bounds the depth.
#pragma once

#include <string_view>

#include "base/status.h"
#include "io/json.h"
#include "text/constraint.h"

namespace fathom {

// Reads and checks the text of a schema; `where` begins the messages. The value is an object or a boolean.
// kInvalidArgument for text that is no schema or is beyond the caps. A keyword or pattern that only narrows
// and has no grammar here is taken out, or answers kUnsupported naming it, as `keywords` says.
Result<JsonValue> read_schema(std::string_view text, ConstraintSpec::Keywords keywords,
                              std::string_view where);

// The schema at `place` (inside `root`) as a document of its own: what its references reach is copied behind
// "$defs" and the references rewritten. kInvalidArgument for a reference that leads nowhere or out of the
// document.
Result<JsonValue> standalone_schema(const JsonValue& place, const JsonValue& root);

// What a local reference ("#/$defs/node") points at, or null.
const JsonValue* find_reference(const JsonValue& root, std::string_view reference);

}  // namespace fathom
