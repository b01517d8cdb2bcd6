// SPDX-License-Identifier: MIT
#include "ops/swiglu.h"

#include <limits>

#include "base/check.h"
#include "kernels/dispatch.h"

namespace fathom {

void swiglu(std::span<const float> gate, std::span<const float> up, float weight, float limit,
            std::span<float> out) noexcept {
  FATHOM_DCHECK(gate.size() == up.size() && gate.size() == out.size());
  if (limit == 0.0F) limit = std::numeric_limits<float>::infinity();
  kernels().row->swiglu(gate.data(), up.data(), weight, limit, static_cast<int64_t>(gate.size()), out.data());
}

}  // namespace fathom
