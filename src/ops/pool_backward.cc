// SPDX-License-Identifier: MIT
#include "ops/pool_backward.h"

#include <algorithm>

#include "base/check.h"
#include "ops/vector_math.h"

namespace fathom {

// With weights w: d c_j = w_j d, d z_j = w_j (c_j - out) d.
template <typename T>
void pool_rows_backward(const PoolGradient<T>& in, std::span<T* const> d_c,
                        std::span<T* const> d_z) noexcept {
  const size_t rows = in.c_rows.size();
  FATHOM_DCHECK(rows > 0 && in.z_rows.size() == rows && d_c.size() == rows && d_z.size() == rows);
  for (size_t d = 0; d < in.d_out.size(); ++d) {
    T top = in.z_rows[0][d];
    for (size_t j = 1; j < rows; ++j) top = std::max(top, in.z_rows[j][d]);
    T total = T(0);
    T out = T(0);
    for (size_t j = 0; j < rows; ++j) {
      const T c = in.c_rows[j][d];
      const T weight = exp_of(in.z_rows[j][d] - top);
      total += weight;
      out += weight * c;
      d_z[j][d] = weight;
    }
    out /= total;
    for (size_t j = 0; j < rows; ++j) {
      const T d_weighted = d_z[j][d] / total * in.d_out[d];
      d_z[j][d] = d_weighted * (in.c_rows[j][d] - out);
      d_c[j][d] = d_weighted;
    }
  }
}

template void pool_rows_backward(const PoolGradient<float>&, std::span<float* const>,
                                 std::span<float* const>) noexcept;
template void pool_rows_backward(const PoolGradient<double>&, std::span<double* const>,
                                 std::span<double* const>) noexcept;

}  // namespace fathom
