// SPDX-License-Identifier: MIT
// TOML to JSON values (design.md 16): one tree type for everything that is read. Adapter to toml++.
//
// Keys come in alphabetical order; integers and floats keep their difference; dates and times are refused.
// Pure function, any thread.
#pragma once

#include <string_view>

#include "base/status.h"
#include "io/json.h"

namespace fathom {

// An object. kCorrupt "TOML: line N, column M: ..." for a text that is none.
Result<JsonValue> read_toml(std::string_view text);

}  // namespace fathom
