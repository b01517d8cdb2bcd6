// SPDX-License-Identifier: MIT
// Rotary position embedding with YaRN (architecture.md 3): interleaved pairs (2i, 2i+1) of the last r
// channels.
//
// Angles follow the released models: frequency and position * frequency are float32, cos and sin of that
// float32 angle are accurate. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config/model_config.h"

namespace fathom::reference {

// Pairs [low, high] over which YaRN passes from unscaled to scaled.
struct YarnRamp {
  double low;
  double high;
};
YarnRamp yarn_ramp(const RopeConfig& rope, int rope_dim);

// Radians per position of each pair, exact: [r / 2].
std::vector<double> rope_frequencies(const RopeConfig& rope, int rope_dim);

// The float32 angle of each pair at a position: [r / 2].
std::vector<float> rope_angles(const RopeConfig& rope, int rope_dim, int64_t position);

// Rotates the last 2 * angles.size() channels by the angles, or back.
template <typename T>
void rotate(std::span<T> channels, std::span<const float> angles);
template <typename T>
void rotate_back(std::span<T> channels, std::span<const float> angles);

}  // namespace fathom::reference
