// SPDX-License-Identifier: MIT
// What this program was built from.
#pragma once

#include <string>

namespace fathom {

// Version, commit, compiler, and the instruction set tiers built in and usable on this CPU.
std::string version_text();
// The commit it was configured at, shortened; "unknown" outside a repository.
std::string commit_text();
std::string version_number();

}  // namespace fathom
