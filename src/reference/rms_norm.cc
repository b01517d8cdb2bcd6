// SPDX-License-Identifier: MIT
#include "reference/rms_norm.h"

#include <cmath>

#include "reference/number.h"

namespace fathom::reference {

template <typename T>
void rms_norm(std::span<T> x, double eps) {
  const T rms = std::sqrt(mean_of_squares(std::span<const T>(x)) + T(Real<T>(eps)));
  for (T& v : x) v /= rms;
}

template <typename T>
void rms_norm(std::span<T> x, std::span<const T> gain, double eps) {
  FATHOM_CHECK(x.size() == gain.size());
  rms_norm(x, eps);
  for (size_t i = 0; i < x.size(); ++i) x[i] *= gain[i];
}

template <typename T>
Matrix<T> rms_norm_rows(const Matrix<T>& x, std::span<const T> gain, double eps) {
  Matrix<T> y = x;
  for (int64_t r = 0; r < y.rows; ++r) rms_norm(y.row(r), gain, eps);
  return y;
}

template void rms_norm(std::span<float>, double);
template void rms_norm(std::span<double>, double);
template void rms_norm(std::span<Complex>, double);
template void rms_norm(std::span<float>, std::span<const float>, double);
template void rms_norm(std::span<double>, std::span<const double>, double);
template void rms_norm(std::span<Complex>, std::span<const Complex>, double);
template Matrix<float> rms_norm_rows(const Matrix<float>&, std::span<const float>, double);
template Matrix<double> rms_norm_rows(const Matrix<double>&, std::span<const double>, double);
template Matrix<Complex> rms_norm_rows(const Matrix<Complex>&, std::span<const Complex>, double);

}  // namespace fathom::reference
