// SPDX-License-Identifier: MIT
// What a process computes with: instruction-set tier and threads (design.md 7, 8).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ops/tier.h"

namespace fathom {

struct Compute {
  std::string tier;
  int threads = 1;
};

// Selects the tier ("": FATHOM_ISA, else the highest that can run) and settles the number of threads (0:
// physical cores). Call once, before a model is used. kInvalidArgument or kUnsupported, naming the value.
Result<Compute> configure_compute(std::string_view tier, int threads);

}  // namespace fathom
