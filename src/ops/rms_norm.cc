// SPDX-License-Identifier: MIT
#include "ops/rms_norm.h"

#include <cmath>

#include "base/check.h"
#include "kernels/dispatch.h"

namespace fathom {

float rms_factor(std::span<const float> x, float eps) noexcept {
  const auto n = static_cast<int64_t>(x.size());
  const float mean = kernels().row->sum_squares(x.data(), n) / static_cast<float>(n);
  return 1.0F / std::sqrt(mean + eps);
}

void rms_norm(std::span<const float> x, std::span<const float> gain, float eps,
              std::span<float> out) noexcept {
  FATHOM_DCHECK(x.size() == gain.size() && x.size() == out.size());
  kernels().row->scale_gain(x.data(), rms_factor(x, eps), gain.data(), static_cast<int64_t>(x.size()),
                            out.data());
}

void rms_scale(std::span<float> x, float eps) noexcept {
  kernels().row->scale(x.data(), rms_factor(x, eps), static_cast<int64_t>(x.size()), x.data());
}

}  // namespace fathom
