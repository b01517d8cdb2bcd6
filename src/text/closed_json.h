// SPDX-License-Identifier: MIT
// JSON that was cut: as much of an object's text as can be closed validly (api.md 7).
//
// Pure function, linear, no recursion.
#pragma once

#include <string_view>

#include "io/json.h"

namespace fathom {

// The object that `text`, a JSON text or the beginning of one, holds. A string that is cut ends where it was
// cut; a number, word or key that may be cut is left out. An empty object when nothing can be read.
JsonValue closed_object(std::string_view text);

}  // namespace fathom
