// SPDX-License-Identifier: MIT
#include "ops/rms_norm_backward.h"

#include <cmath>

#include "ops/vector_math.h"

namespace fathom {
namespace {

template <typename T>
T factor_of(std::span<const T> x, T eps) noexcept {
  return T(1) / std::sqrt(dot(x, x) / static_cast<T>(x.size()) + eps);
}

}  // namespace

// With f = (mean(x^2) + eps)^-1/2: d out_i / d x_j = f [i = j] - f^3 x_i x_j / n.
template <typename T>
void rms_scale_backward(std::span<const T> x, T eps, std::span<const T> d_out, std::span<T> d_x) noexcept {
  const T f = factor_of(x, eps);
  const T shared = f * f * f * dot(x, d_out) / static_cast<T>(x.size());
  for (size_t i = 0; i < x.size(); ++i) d_x[i] = f * d_out[i] - shared * x[i];
}

template <typename T>
void rms_norm_backward(std::span<const T> x, std::span<const T> gain, T eps, std::span<const T> d_out,
                       std::span<T> d_x, std::span<T> d_gain) noexcept {
  const T f = factor_of(x, eps);
  for (size_t i = 0; i < x.size(); ++i) {
    const T d = d_out[i];
    d_gain[i] += d * x[i] * f;
    d_x[i] = d * gain[i];
  }
  const T shared = f * f * f * dot(x, std::span<const T>(d_x)) / static_cast<T>(x.size());
  for (size_t i = 0; i < x.size(); ++i) d_x[i] = f * d_x[i] - shared * x[i];
}

template void rms_scale_backward(std::span<const float>, float, std::span<const float>,
                                 std::span<float>) noexcept;
template void rms_scale_backward(std::span<const double>, double, std::span<const double>,
                                 std::span<double>) noexcept;
template void rms_norm_backward(std::span<const float>, std::span<const float>, float, std::span<const float>,
                                std::span<float>, std::span<float>) noexcept;
template void rms_norm_backward(std::span<const double>, std::span<const double>, double,
                                std::span<const double>, std::span<double>, std::span<double>) noexcept;

}  // namespace fathom
