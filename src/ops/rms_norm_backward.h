// SPDX-License-Identifier: MIT
// Derivatives of RMSNorm (ops/rms_norm.h). T is float or double; nothing allocates.
#pragma once

#include <span>

namespace fathom {

// out = gain * x / sqrt(mean(x^2) + eps). All [n]; d_x written, may be d_out but not x; d_gain += .
template <typename T>
void rms_norm_backward(std::span<const T> x, std::span<const T> gain, T eps, std::span<const T> d_out,
                       std::span<T> d_x, std::span<T> d_gain) noexcept;

// out = x / sqrt(mean(x^2) + eps). d_x written, may be d_out but not x.
template <typename T>
void rms_scale_backward(std::span<const T> x, T eps, std::span<const T> d_out, std::span<T> d_x) noexcept;

}  // namespace fathom
