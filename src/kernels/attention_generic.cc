// SPDX-License-Identifier: MIT
// Attention and compressor pooling of the generic tier.
#include "kernels/kernel_table.h"
#include "numeric/math.h"

namespace fathom {
namespace {

constexpr int64_t kLanes = 16;

// 16 lane sums over the length, then a fixed tree, in binary64.
float dot(const float* a, const float* b, int64_t n) noexcept {
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += double{a[i + lane]} * b[i + lane];
  }
  for (int64_t lane = 0; i < n; ++i, ++lane) lanes[lane] += double{a[i]} * b[i];
  for (int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (int64_t lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  }
  return static_cast<float>(lanes[0]);
}

void attend(const AttendArgs& args) noexcept {
  for (int64_t h = 0; h < args.heads; ++h) {
    const float* q = args.q + h * args.dim;
    float* out = args.out + h * args.dim;
    float weights[kAttendRows];
    float new_max = args.running_max[h];
    for (int64_t j = 0; j < args.count; ++j) {
      weights[j] = dot(q, args.rows[j], args.dim) * args.scale;
      if (weights[j] > new_max) new_max = weights[j];
    }
    const float carry = exp_f32(args.running_max[h] - new_max);
    double sum = double{args.running_sum[h]} * carry;
    for (int64_t j = 0; j < args.count; ++j) {
      weights[j] = exp_f32(weights[j] - new_max);
      sum += weights[j];
    }
    args.running_max[h] = new_max;
    args.running_sum[h] = static_cast<float>(sum);
    for (int64_t d = 0; d < args.dim; ++d) {
      double value = double{out[d]} * carry;
      for (int64_t j = 0; j < args.count; ++j) value += double{weights[j]} * args.rows[j][d];
      out[d] = static_cast<float>(value);
    }
  }
}

void pool(const float* const* c_rows, const float* const* z_rows, int64_t count, int64_t dim,
          float* out) noexcept {
  for (int64_t d = 0; d < dim; ++d) {
    float top = z_rows[0][d];
    for (int64_t j = 1; j < count; ++j) {
      if (z_rows[j][d] > top) top = z_rows[j][d];
    }
    double sum = 0.0;
    double value = 0.0;
    for (int64_t j = 0; j < count; ++j) {
      const float weight = exp_f32(z_rows[j][d] - top);
      sum += weight;
      value += double{weight} * c_rows[j][d];
    }
    out[d] = static_cast<float>(value / sum);
  }
}

}  // namespace

extern constinit const AttentionKernels kAttentionGeneric = {attend, pool};

}  // namespace fathom
