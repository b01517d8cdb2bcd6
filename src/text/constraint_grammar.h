// SPDX-License-Identifier: MIT
// The grammar of a reply as Lark text for the engine (api.md 4.6; chat.md 5 and 6).
//
// White space: one blank may follow `,` and `:` in JSON, none elsewhere. Keys and parameters come in the
// order of the schema. Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "io/json.h"
#include "text/constraint.h"

namespace fathom {

// Lark text that is being written: equal bodies get one name.
class LarkText {
 public:
  // A name for a rule (or, for a terminal, a regular language) with this body.
  std::string rule(std::string_view body);
  std::string terminal(std::string_view body);
  // A rule for the JSON texts that are valid against a standalone schema.
  std::string json(JsonValue schema, ConstraintSpec::Keywords keywords);
  // The whole text; it begins with `start`.
  std::string finish(std::string_view start) const;

  // `text` as a Lark string.
  static std::string quoted(std::string_view text);

 private:
  std::string add(char prefix, std::string_view body);

  std::string lines_;
  std::map<std::string, std::string, std::less<>> names_;  // body -> name
};

// The grammar of content: JSON, a regular expression, or the client's own.
Result<std::string> content_grammar(const ConstraintSpec& spec);

// Where a block of calls is read from: its first line feed, or right after `<` + DSML token.
enum class BlockFrom : uint8_t { kLineFeeds, kMarker };

// The grammar of a block of calls; when `spec` also has a JSON format and requires no call, of either the
// block or the JSON.
Result<std::string> calls_grammar(const ConstraintSpec& spec, int32_t dsml_id, BlockFrom from);

}  // namespace fathom
