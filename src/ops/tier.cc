// SPDX-License-Identifier: MIT
#include "ops/tier.h"

#include "kernels/dispatch.h"

namespace fathom {

std::vector<Tier> built_in_tiers() {
  std::vector<Tier> tiers;
  for (const TierInfo& info : kernel_tiers()) tiers.push_back({info.table->name, info.missing});
  return tiers;
}

Status select_tier(std::string_view name) { return select_kernels(name); }

std::string_view selected_tier() noexcept { return kernels().name; }

}  // namespace fathom
