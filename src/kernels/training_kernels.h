// SPDX-License-Identifier: MIT
// The family of kernels that only training needs: products and row operations of the backward pass
// (training.md 3; design.md 7). The rules of kernel_table.h hold.
#pragma once

#include <cstdint>

namespace fathom {

// c[i, j] += sum over k of a(i, k) * b[k, j] with a(i, k) = a[i * a_row + k * a_col]: the products of the
// backward pass. An element's sum runs over k in order, in blocks of fixed size, so it depends neither on m
// nor on n nor on the part of the product that is asked for.
struct GemmArgs {
  const float* a = nullptr;
  int64_t a_row = 0;  // elements between rows i of a
  int64_t a_col = 0;  // elements between columns k of a
  const float* b = nullptr;
  int64_t b_stride = 0;
  float* c = nullptr;
  int64_t c_stride = 0;
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
};

// Derivatives of out = weight * silu(min(gate, limit)) * clamp(up, -limit, limit); 0 outside the bounds and
// at them (training.md 3; with quantised operands a product often lies exactly at a bound, and the fixtures'
// data have 0 there). d_gate may be gate and d_up may be up.
struct SwigluBackwardArgs {
  const float* gate = nullptr;   // [n] before the activation
  const float* up = nullptr;     // [n]
  const float* d_out = nullptr;  // [n]
  float weight = 0.0F;
  float limit = 0.0F;  // infinity: no clamp
  int64_t n = 0;
  float* d_gate = nullptr;  // [n] written
  float* d_up = nullptr;    // [n] written
};

// What only training needs.
struct TrainingKernels {
  void (*gemm)(const GemmArgs&) noexcept;
  // sum of x[i] * y[i] in one fixed order.
  float (*dot)(const float* x, const float* y, int64_t n) noexcept;
  // out[i] += factor * x[i]
  void (*add_scaled)(const float* x, float factor, int64_t n, float* out) noexcept;
  // out[i] = e^(x[i] - shift); returns their sum. out may be x; x[i] may be -infinity.
  float (*exp_sum)(const float* x, float shift, int64_t n, float* out) noexcept;
  // Returns the derivative by the weight.
  float (*swiglu_backward)(const SwigluBackwardArgs&) noexcept;
};

extern const TrainingKernels kTrainingGeneric;
#if defined(__x86_64__)
extern const TrainingKernels kTrainingAvx2;
extern const TrainingKernels kTrainingAvx512;
#elif defined(__aarch64__)
extern const TrainingKernels kTrainingNeon;
#endif

}  // namespace fathom
