// SPDX-License-Identifier: MIT
#include "ops/pool_backward.h"

#include <algorithm>

#include "base/check.h"
#include "ops/vector_math.h"

namespace fathom {
namespace {

// Channels taken at once: their sums stay on the stack.
constexpr size_t kChannels = 64;

// Channels [first, first + count). With weights w: d c_j = w_j d, d z_j = w_j (c_j - out) d.
template <typename T>
void pool_channels_backward(const PoolGradient<T>& in, size_t first, size_t count, std::span<T* const> d_c,
                            std::span<T* const> d_z) noexcept {
  T top[kChannels];
  T total[kChannels] = {};
  T out[kChannels] = {};
  std::copy_n(in.z_rows[0] + first, count, top);
  for (const T* z : in.z_rows) {
    for (size_t i = 0; i < count; ++i) top[i] = std::max(top[i], z[first + i]);
  }
  for (size_t j = 0; j < in.z_rows.size(); ++j) {
    T* weights = d_z[j] + first;
    for (size_t i = 0; i < count; ++i) weights[i] = in.z_rows[j][first + i] - top[i];
    exp_sum(std::span<const T>(weights, count), T(0), std::span<T>(weights, count));
    for (size_t i = 0; i < count; ++i) {
      total[i] += weights[i];
      out[i] += weights[i] * in.c_rows[j][first + i];
    }
  }
  for (size_t i = 0; i < count; ++i) out[i] /= total[i];
  for (size_t j = 0; j < in.z_rows.size(); ++j) {
    for (size_t i = 0; i < count; ++i) {
      const T d_weighted = d_z[j][first + i] / total[i] * in.d_out[first + i];
      d_z[j][first + i] = d_weighted * (in.c_rows[j][first + i] - out[i]);
      d_c[j][first + i] = d_weighted;
    }
  }
}

}  // namespace

template <typename T>
void pool_rows_backward(const PoolGradient<T>& in, std::span<T* const> d_c,
                        std::span<T* const> d_z) noexcept {
  FATHOM_DCHECK(!in.c_rows.empty() && in.z_rows.size() == in.c_rows.size() &&
                d_c.size() == in.c_rows.size() && d_z.size() == in.c_rows.size());
  for (size_t first = 0; first < in.d_out.size(); first += kChannels) {
    pool_channels_backward(in, first, std::min(kChannels, in.d_out.size() - first), d_c, d_z);
  }
}

template void pool_rows_backward(const PoolGradient<float>&, std::span<float* const>,
                                 std::span<float* const>) noexcept;
template void pool_rows_backward(const PoolGradient<double>&, std::span<double* const>,
                                 std::span<double* const>) noexcept;

}  // namespace fathom
