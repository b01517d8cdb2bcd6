// SPDX-License-Identifier: MIT
// Whether the draft layer is used; answers are the same whatever it says (design.md 11).
#pragma once

#include <cstdint>

namespace fathom {

enum class DraftPolicy : uint8_t {
  kWhenFaster,  // by measurement, see Speculation
  kAlways,
  kNever,
};

}  // namespace fathom
