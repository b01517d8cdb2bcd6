// SPDX-License-Identifier: MIT
// The grammar of one call's parameters in tool markup (chat.md 5): strings stand raw, everything else as
// JSON.
//
// Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "io/json.h"
#include "text/constraint_grammar.h"

namespace fathom {

// A rule for what follows `invoke name="N">` and its line feed, to the end of the call: the parameters that
// `schema` (of an object) names, in its order, required ones always, then `</` DSML `invoke>`. `dsml` is the
// marker as Lark writes it. kInvalidArgument or kUnsupported naming the parameter.
Result<std::string> add_parameters(const JsonValue& schema, std::string_view dsml, LarkText& lark);

}  // namespace fathom
