// SPDX-License-Identifier: MIT
#include "numeric/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "numeric/math.h"

namespace fathom {
namespace {

// Fractional pair index whose wave makes `turns` turns over the original context.
double ramp_dim(const RopeParameters& p, double turns) noexcept {
  return p.r * log_f64(p.original / (2.0 * std::numbers::pi * turns)) / (2.0 * log_f64(p.theta));
}

int clamp_dim(const RopeParameters& p, double dim) noexcept {
  return static_cast<int>(std::clamp(dim, 0.0, static_cast<double>(p.r - 1)));
}

}  // namespace

RopeRamp rope_ramp(const RopeParameters& p) noexcept {
  FATHOM_CHECK(p.factor > 0.0 && p.theta > 1.0 && p.original > 0.0 && p.beta_fast > 0.0 && p.beta_slow > 0.0);
  return {clamp_dim(p, std::floor(ramp_dim(p, p.beta_fast))),
          clamp_dim(p, std::ceil(ramp_dim(p, p.beta_slow)))};
}

std::vector<double> rope_frequencies(const RopeParameters& p) {
  FATHOM_CHECK(p.r > 0 && p.r % 2 == 0 && p.theta > 0.0);
  std::vector<double> frequencies(static_cast<size_t>(p.r / 2));
  const double log_theta = log_f64(p.theta);
  for (int i = 0; i < p.r / 2; ++i) {
    frequencies[static_cast<size_t>(i)] = exp_f64(-2.0 * i / p.r * log_theta);
  }
  if (p.factor == 0.0) return frequencies;
  const RopeRamp ramp = rope_ramp(p);
  const double width = ramp.low == ramp.high ? 0.001 : ramp.high - ramp.low;
  for (int i = 0; i < p.r / 2; ++i) {
    double& frequency = frequencies[static_cast<size_t>(i)];
    const double share = std::clamp((i - ramp.low) / width, 0.0, 1.0);
    frequency = frequency / p.factor * share + frequency * (1.0 - share);
  }
  return frequencies;
}

}  // namespace fathom
