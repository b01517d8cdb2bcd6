// SPDX-License-Identifier: MIT
// Derivatives of the clamped SwiGLU (ops/swiglu.h; training.md 3): 0 outside the bounds, gate above only, up
// on both sides; at a bound itself 0 too. T is float or double; nothing allocates.
#pragma once

#include <span>

namespace fathom {

template <typename T>
struct SwigluGradient {
  std::span<const T> gate;   // [n] before the activation
  std::span<const T> up;     // [n]
  std::span<const T> d_out;  // [n]
  T weight = T(1);
  T limit = T(0);  // 0: no clamp
};

// d_gate and d_up [n] written, may be gate and up. Returns the derivative by the weight.
template <typename T>
T swiglu_backward(const SwigluGradient<T>& in, std::span<T> d_gate, std::span<T> d_up) noexcept;

}  // namespace fathom
