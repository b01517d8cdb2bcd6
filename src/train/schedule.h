// SPDX-License-Identifier: MIT
// Schedules as pure functions of the step (training.md 5). Steps count from 1.
#pragma once

#include <cstdint>
#include <vector>

namespace fathom {

// Linear warm-up to the peak, constant, then a cosine to `last`, constant again.
struct LearningRate {
  double peak = 1e-3;
  int64_t warmup = 0;       // the step that reaches the peak
  int64_t decay_start = 0;  // the last step at the peak
  int64_t decay_end = 0;    // the first step at `last`
  double last = 1e-4;

  double at(int64_t step) const noexcept;
};

// Piecewise constant: a value holds from its step on.
template <typename T>
struct Piece {
  int64_t from = 1;
  T value{};
};
template <typename T>
T value_at(const std::vector<Piece<T>>& pieces, int64_t step) noexcept {
  T value = pieces.front().value;
  for (const Piece<T>& piece : pieces) {
    if (piece.from <= step) value = piece.value;
  }
  return value;
}

}  // namespace fathom
