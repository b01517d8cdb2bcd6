// SPDX-License-Identifier: MIT
// Random numbers that are the same on every machine: std::mt19937_64 is fixed by the standard, its
// distributions are not. A value; one thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>

namespace fathom {

class RandomNumbers {
 public:
  explicit RandomNumbers(uint64_t seed) : engine_(seed) {}

  // In [0, 1).
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  // In [low, high]; the bias of the remainder does not matter here.
  int whole(int low, int high) {
    return low + static_cast<int>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  // Mean 0, variance 1, roughly bell-shaped, within 3.5: four uniforms.
  double bell() {
    double sum = -2.0;
    for (int i = 0; i < 4; ++i) sum += uniform();
    return sum * 1.7320508075688772;  // sqrt(12 / 4)
  }
  template <typename T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[whole(0, static_cast<int>(values.size()) - 1)];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace fathom
