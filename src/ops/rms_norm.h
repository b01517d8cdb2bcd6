// SPDX-License-Identifier: MIT
// RMSNorm in float32 (architecture.md, notation): gain * x / sqrt(mean(x^2) + eps).
#pragma once

#include <span>

namespace fathom {

// out = gain * x / sqrt(mean(x^2) + eps). All [n]; out may be x.
void rms_norm(std::span<const float> x, std::span<const float> gain, float eps,
              std::span<float> out) noexcept;

// The same without a gain, in place (the per-head norm of queries, architecture.md 3).
void rms_scale(std::span<float> x, float eps) noexcept;

// 1 / sqrt(mean(x^2) + eps).
float rms_factor(std::span<const float> x, float eps) noexcept;

}  // namespace fathom
