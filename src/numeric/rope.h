// SPDX-License-Identifier: MIT
// Rotary position frequencies, plain and YaRN (architecture.md 3).
//
// Working convention: the angle of a pair is float32(position) * float32(frequency), rounded to float32; its
// sine and cosine are then accurate (sincos_f32_angle). Cosine and sine carry no YaRN attention factor. Any
// thread.
#pragma once

#include <cstdint>
#include <vector>

namespace fathom {

// factor 0: no YaRN, and the three fields after it are unused.
struct RopeParameters {
  int r = 0;  // rotated channels: r / 2 pairs; even
  double theta = 10000.0;
  double factor = 0.0;
  double original = 0.0;  // context length before scaling, tokens
  double beta_fast = 32.0;
  double beta_slow = 1.0;
};

// Pairs up to `low` keep their frequency, pairs from `high` on are divided by `factor`, linear in between.
struct RopeRamp {
  int low = 0;
  int high = 0;
};

// Requires YaRN parameters (factor > 0), theta > 1, original > 0, betas > 0.
RopeRamp rope_ramp(const RopeParameters& p) noexcept;

// [r / 2] frequencies, radians per token, exact to about 1e-15.
std::vector<double> rope_frequencies(const RopeParameters& p);

// The float32 angle of `position` by the convention above.
inline float rope_angle(int64_t position, double frequency) noexcept {
  return static_cast<float>(position) * static_cast<float>(frequency);
}

}  // namespace fathom
