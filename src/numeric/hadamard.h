// SPDX-License-Identifier: MIT
// Normalised Walsh-Hadamard transform in natural (Sylvester) order (architecture.md 5):
// y_a = n^-1/2 sum_b (-1)^popcount(a & b) x_b. Its own inverse. Pure function, allocates nothing; any thread.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <span>

#include "base/check.h"

namespace fathom {

// In place. Requires a power-of-two length.
template <typename T>
void hadamard(std::span<T> x) noexcept {
  FATHOM_CHECK(std::has_single_bit(x.size()));
  for (size_t half = 1; half < x.size(); half *= 2) {
    for (size_t first = 0; first < x.size(); first += 2 * half) {
      for (size_t i = first; i < first + half; ++i) {
        const T a = x[i];
        const T b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
  const T scale = static_cast<T>(1.0 / std::sqrt(static_cast<double>(x.size())));
  for (T& v : x) v *= scale;
}

}  // namespace fathom
