// SPDX-License-Identifier: MIT
// The instruction-set tier of this process, for those above ops that must choose or name it (design.md 7).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace fathom {

struct Tier {
  std::string name;
  std::string missing;  // what the CPU lacks for it; empty when it can run here
};

// All tiers built in, lowest first.
std::vector<Tier> built_in_tiers();

// "" takes FATHOM_ISA, else the highest tier that can run. Call before the first model is used.
// kInvalidArgument for an unknown name, kUnsupported when the CPU lacks something.
Status select_tier(std::string_view name);

std::string_view selected_tier() noexcept;

}  // namespace fathom
