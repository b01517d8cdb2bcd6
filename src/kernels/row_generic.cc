// SPDX-License-Identifier: MIT
// Row operations of the generic tier.
#include <cmath>

#include "kernels/kernel_table.h"
#include "numeric/block_quant.h"
#include "numeric/hadamard.h"
#include "numeric/math.h"

namespace fathom {
namespace {

constexpr int64_t kLanes = 16;

float sum_squares(const float* x, int64_t n) noexcept {
  double lanes[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i % kLanes] += double{x[i]} * x[i];
  for (int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (int64_t lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  }
  return static_cast<float>(lanes[0]);
}

void scale(const float* x, float factor, int64_t n, float* out) noexcept {
  for (int64_t i = 0; i < n; ++i) out[i] = x[i] * factor;
}

void scale_gain(const float* x, float factor, const float* gain, int64_t n, float* out) noexcept {
  for (int64_t i = 0; i < n; ++i) out[i] = x[i] * factor * gain[i];
}

void add(const float* x, int64_t n, float* out) noexcept {
  for (int64_t i = 0; i < n; ++i) out[i] += x[i];
}

void copy(const float* x, int64_t n, float* out) noexcept {
  for (int64_t i = 0; i < n; ++i) out[i] = x[i];
}

void fp8_rows(const float* x, int64_t n, int64_t block, float* out) noexcept {
  if (out != x) copy(x, n, out);
  fp8_round_trip({out, static_cast<size_t>(n)}, static_cast<int>(block));
}

void fp4_rows(const float* x, int64_t n, float* out) noexcept {
  if (out != x) copy(x, n, out);
  fp4_round_trip({out, static_cast<size_t>(n)}, 32);
}

void hadamard_row(float* x, int64_t n) noexcept { hadamard<float>({x, static_cast<size_t>(n)}); }

void swiglu(const float* gate, const float* up, float weight, float limit, int64_t n, float* out) noexcept {
  for (int64_t i = 0; i < n; ++i) {
    const float g = gate[i] < limit ? gate[i] : limit;
    float u = up[i] < limit ? up[i] : limit;
    u = u > -limit ? u : -limit;
    out[i] = weight * silu_f32(g) * u;
  }
}

void hc_collapse(const float* streams, const float* weights, int64_t stream_count, int64_t n,
                 float* out) noexcept {
  for (int64_t i = 0; i < n; ++i) {
    double value = double{weights[0]} * streams[i];
    for (int64_t j = 1; j < stream_count; ++j) value += double{weights[j]} * streams[j * n + i];
    out[i] = static_cast<float>(value);
  }
}

void hc_expand(const float* y, const float* post, const float* comb, int64_t stream_count, int64_t n,
               float* streams) noexcept {
  for (int64_t i = 0; i < n; ++i) {
    float before[kMaxStreams];
    for (int64_t j = 0; j < stream_count; ++j) before[j] = streams[j * n + i];
    for (int64_t k = 0; k < stream_count; ++k) {
      double value = double{post[k]} * y[i];
      for (int64_t j = 0; j < stream_count; ++j) value += double{comb[j * stream_count + k]} * before[j];
      streams[k * n + i] = static_cast<float>(value);
    }
  }
}

}  // namespace

extern constinit const RowKernels kRowGeneric = {
    sum_squares, scale, scale_gain, add, fp8_rows, fp4_rows, hadamard_row, swiglu, hc_collapse, hc_expand};

}  // namespace fathom
