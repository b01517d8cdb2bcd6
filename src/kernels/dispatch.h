// SPDX-License-Identifier: MIT
// Which kernel table this process uses (design.md 7). The choice follows CPU identification and FATHOM_ISA
// only, never a timing, so the same machine always computes the same bits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "kernels/kernel_table.h"

namespace fathom {

// Whether a tier is among those that this CPU chooses from by itself.
enum class TierUse : uint8_t { kByDefault, kWhenAsked };

// A tier built into this program; `missing` names what the CPU lacks for it, empty when it can run here.
struct TierInfo {
  const KernelTable* table;
  std::string missing;
  TierUse use;
};

// Lowest tier first. Probed once.
std::span<const TierInfo> kernel_tiers();

// The table of a tier by name. kInvalidArgument for an unknown name, kUnsupported when the CPU lacks
// something.
Result<const KernelTable*> kernel_table(std::string_view tier);

// Makes `tier` the table of this process; "" chooses FATHOM_ISA if set, else the highest tier that can run
// and is used by default on this CPU. Call once, before kernels() is first used by a model.
Status select_kernels(std::string_view tier);

// The selected table; when nothing was selected, the one that select_kernels("") would choose (generic if
// that fails).
const KernelTable& kernels() noexcept;

}  // namespace fathom
