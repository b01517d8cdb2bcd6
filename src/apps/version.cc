// SPDX-License-Identifier: MIT
#include "apps/version.h"

#include "base/concat.h"
#include "engine/compute.h"

namespace fathom {

std::string version_text() {
  std::string text =
      concat("fathom ", FATHOM_VERSION, " (commit ", FATHOM_COMMIT, ", ", FATHOM_COMPILER, ")\n");
  text += "tiers:";
  for (const Tier& tier : built_in_tiers()) {
    text += concat(" ", tier.name,
                   tier.missing.empty() ? "" : concat(" (not usable: this CPU lacks ", tier.missing, ")"));
  }
  return text;
}

std::string commit_text() { return FATHOM_COMMIT; }
std::string version_number() { return FATHOM_VERSION; }

}  // namespace fathom
