// SPDX-License-Identifier: MIT
// What `fathom --version` prints.
#pragma once

#include <string>

namespace fathom {

// Version, commit, compiler, and the instruction set tiers built in and usable on this CPU.
std::string version_text();

}  // namespace fathom
