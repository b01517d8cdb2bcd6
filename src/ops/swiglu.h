// SPDX-License-Identifier: MIT
// Clamped SwiGLU (architecture.md 6): out = weight * silu(min(gate, L)) * clamp(up, -L, L).
#pragma once

#include <span>

namespace fathom {

// All [n]; limit 0 means no clamp; out may be gate or up.
void swiglu(std::span<const float> gate, std::span<const float> up, float weight, float limit,
            std::span<float> out) noexcept;

}  // namespace fathom
