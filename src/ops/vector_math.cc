// SPDX-License-Identifier: MIT
#include "ops/vector_math.h"

#include "kernels/dispatch.h"
#include "numeric/math.h"

namespace fathom {
namespace {

const TrainingKernels& training() noexcept { return *kernels().training; }

int64_t length(std::span<const float> x) noexcept { return static_cast<int64_t>(x.size()); }

}  // namespace

float dot(std::span<const float> x, std::span<const float> y) noexcept {
  FATHOM_DCHECK(x.size() == y.size());
  return training().dot(x.data(), y.data(), length(x));
}

double dot(std::span<const double> x, std::span<const double> y) noexcept {
  double sum = 0.0;
  for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

void add_scaled(std::span<const float> x, float factor, std::span<float> y) noexcept {
  FATHOM_DCHECK(x.size() == y.size());
  training().add_scaled(x.data(), factor, length(x), y.data());
}

void add_scaled(std::span<const double> x, double factor, std::span<double> y) noexcept {
  for (size_t i = 0; i < x.size(); ++i) y[i] += factor * x[i];
}

float exp_sum(std::span<const float> x, float shift, std::span<float> out) noexcept {
  FATHOM_DCHECK(x.size() == out.size());
  return training().exp_sum(x.data(), shift, length(x), out.data());
}

double exp_sum(std::span<const double> x, double shift, std::span<double> out) noexcept {
  double sum = 0.0;
  for (size_t i = 0; i < x.size(); ++i) sum += out[i] = exp_f64(x[i] - shift);
  return sum;
}

float exp_of(float x) noexcept { return exp_f32(x); }
double exp_of(double x) noexcept { return exp_f64(x); }
float sigmoid_of(float x) noexcept { return sigmoid_f32(x); }
double sigmoid_of(double x) noexcept {
  if (x >= 0.0) return 1.0 / (1.0 + exp_f64(-x));
  const double e = exp_f64(x);
  return e / (1.0 + e);
}

void multiply_add(MatView<const float> a, MatView<const float> b, MatView<float> c) noexcept {
  FATHOM_DCHECK(a.cols == b.rows && c.rows == a.rows && c.cols == b.cols);
  training().gemm({.a = a.data,
                   .a_row = a.stride,
                   .a_col = 1,
                   .b = b.data,
                   .b_stride = b.stride,
                   .c = c.data,
                   .c_stride = c.stride,
                   .m = a.rows,
                   .n = b.cols,
                   .k = a.cols});
}

void multiply_add(MatView<const double> a, MatView<const double> b, MatView<double> c) noexcept {
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t k = 0; k < a.cols; ++k) add_scaled(b.row_span(k), a.at(i, k), c.row_span(i));
  }
}

void transposed_multiply_add(MatView<const float> a, MatView<const float> b, MatView<float> c) noexcept {
  FATHOM_DCHECK(a.rows == b.rows && c.rows == a.cols && c.cols == b.cols);
  training().gemm({.a = a.data,
                   .a_row = 1,
                   .a_col = a.stride,
                   .b = b.data,
                   .b_stride = b.stride,
                   .c = c.data,
                   .c_stride = c.stride,
                   .m = a.cols,
                   .n = b.cols,
                   .k = a.rows});
}

void transposed_multiply_add(MatView<const double> a, MatView<const double> b, MatView<double> c) noexcept {
  for (int64_t k = 0; k < a.rows; ++k) {
    for (int64_t i = 0; i < a.cols; ++i) add_scaled(b.row_span(k), a.at(k, i), c.row_span(i));
  }
}

}  // namespace fathom
