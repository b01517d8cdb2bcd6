// SPDX-License-Identifier: MIT
#include "reference/linear.h"

#include <algorithm>

#include "reference/number.h"

namespace fathom::reference {
namespace {

constexpr int kActivationBlock = 128;

}  // namespace

template <typename T>
std::vector<T> multiply(const Matrix<T>& weight, std::span<const T> x) {
  std::vector<T> y(static_cast<size_t>(weight.rows));
  for (int64_t out = 0; out < weight.rows; ++out) y[out] = dot(weight.row(out), x);
  return y;
}

template <typename T>
Matrix<T> multiply_rows(const Matrix<T>& weight, const Matrix<T>& x) {
  Matrix<T> y(x.rows, weight.rows);
  for (int64_t r = 0; r < x.rows; ++r) std::ranges::copy(multiply(weight, x.row(r)), y.row(r).begin());
  return y;
}

template <typename T>
std::vector<T> linear(const LinearWeights<T>& w, std::span<const T> x, Rounding rounding) {
  std::vector<T> input(x.begin(), x.end());
  if (w.quantizes_input && rounding == Rounding::kAsDeployed) {
    fp8_round_trip(std::span<T>(input), kActivationBlock);
  }
  return multiply(w.weight, std::span<const T>(input));
}

template <typename T>
Matrix<T> linear_rows(const LinearWeights<T>& w, const Matrix<T>& x, Rounding rounding) {
  Matrix<T> y(x.rows, w.weight.rows);
  for (int64_t r = 0; r < x.rows; ++r) std::ranges::copy(linear(w, x.row(r), rounding), y.row(r).begin());
  return y;
}

template std::vector<float> multiply(const Matrix<float>&, std::span<const float>);
template std::vector<double> multiply(const Matrix<double>&, std::span<const double>);
template std::vector<Complex> multiply(const Matrix<Complex>&, std::span<const Complex>);
template Matrix<float> multiply_rows(const Matrix<float>&, const Matrix<float>&);
template Matrix<double> multiply_rows(const Matrix<double>&, const Matrix<double>&);
template Matrix<Complex> multiply_rows(const Matrix<Complex>&, const Matrix<Complex>&);
template std::vector<float> linear(const LinearWeights<float>&, std::span<const float>, Rounding);
template std::vector<double> linear(const LinearWeights<double>&, std::span<const double>, Rounding);
template std::vector<Complex> linear(const LinearWeights<Complex>&, std::span<const Complex>, Rounding);
template Matrix<float> linear_rows(const LinearWeights<float>&, const Matrix<float>&, Rounding);
template Matrix<double> linear_rows(const LinearWeights<double>&, const Matrix<double>&, Rounding);
template Matrix<Complex> linear_rows(const LinearWeights<Complex>&, const Matrix<Complex>&, Rounding);

}  // namespace fathom::reference
