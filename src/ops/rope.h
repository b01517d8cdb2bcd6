// SPDX-License-Identifier: MIT
// RoPE on the last r channels, interleaved pairs (architecture.md 3).
//
// RotaryEmbedding is immutable after construction; rotate functions allocate nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "numeric/rope.h"

namespace fathom {

// Cosine and sine of every pair at one position. Views of r / 2 elements each.
struct RotaryAngles {
  std::span<const float> cos;
  std::span<const float> sin;
};

class RotaryEmbedding {
 public:
  explicit RotaryEmbedding(const RopeParameters& parameters) : frequencies_(rope_frequencies(parameters)) {}

  int64_t pairs() const noexcept { return static_cast<int64_t>(frequencies_.size()); }
  // Fills cos and sin [pairs()] for one position.
  void angles(int64_t position, std::span<float> cos, std::span<float> sin) const noexcept;

 private:
  std::vector<double> frequencies_;  // radians per token
};

// (a, b) -> (a cos - b sin, a sin + b cos) on the last 2 * pairs channels of x.
void rotate(std::span<float> x, RotaryAngles angles) noexcept;
// The conjugate rotation.
void rotate_back(std::span<float> x, RotaryAngles angles) noexcept;

}  // namespace fathom
