// SPDX-License-Identifier: MIT
// Kernels of the backward pass of the generic tier: the plain definitions.
#include <cmath>

#include "kernels/training_kernels.h"
#include "numeric/math.h"

namespace fathom {
namespace {

void gemm(const GemmArgs& g) noexcept {
  for (int64_t i = 0; i < g.m; ++i) {
    float* c = g.c + i * g.c_stride;
    for (int64_t k = 0; k < g.k; ++k) {
      const float a = g.a[i * g.a_row + k * g.a_col];
      const float* b = g.b + k * g.b_stride;
      for (int64_t j = 0; j < g.n; ++j) c[j] += a * b[j];
    }
  }
}

float dot(const float* x, const float* y, int64_t n) noexcept {
  float sum = 0.0F;
  for (int64_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

void add_scaled(const float* x, float factor, int64_t n, float* out) noexcept {
  for (int64_t i = 0; i < n; ++i) out[i] += factor * x[i];
}

float exp_sum(const float* x, float shift, int64_t n, float* out) noexcept {
  float sum = 0.0F;
  for (int64_t i = 0; i < n; ++i) {
    out[i] = exp_f32(x[i] - shift);
    sum += out[i];
  }
  return sum;
}

float swiglu_backward(const SwigluBackwardArgs& a) noexcept {
  float d_weight = 0.0F;
  for (int64_t i = 0; i < a.n; ++i) {
    const bool gate_free = a.gate[i] < a.limit;
    const bool up_free = std::fabs(a.up[i]) < a.limit;
    const float gate = gate_free ? a.gate[i] : a.limit;
    const float up = up_free ? a.up[i] : std::copysign(a.limit, a.up[i]);
    const float sigmoid = sigmoid_f32(gate);
    const float silu = gate * sigmoid;
    const float weighted = a.weight * a.d_out[i];
    d_weight += a.d_out[i] * (silu * up);
    a.d_gate[i] = gate_free ? weighted * up * (sigmoid * (1.0F + gate * (1.0F - sigmoid))) : 0.0F;
    a.d_up[i] = up_free ? weighted * silu : 0.0F;
  }
  return d_weight;
}

}  // namespace

extern constinit const TrainingKernels kTrainingGeneric = {gemm, dot, add_scaled, exp_sum, swiglu_backward};

}  // namespace fathom
