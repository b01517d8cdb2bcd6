// SPDX-License-Identifier: MIT
// Derivatives of the compressors' pooling (pool_rows of ops/attend.h; architecture.md 4). T is float or
// double; nothing allocates.
#pragma once

#include <span>

namespace fathom {

// out[d] = sum over rows j of softmax_j(z_j[d]) c_j[d]. All rows [dim]; d_c and d_z are written and share no
// memory with the rows of c and z. At least one row.
template <typename T>
struct PoolGradient {
  std::span<const T* const> c_rows;
  std::span<const T* const> z_rows;
  std::span<const T> d_out;  // [dim]
};
template <typename T>
void pool_rows_backward(const PoolGradient<T>& in, std::span<T* const> d_c, std::span<T* const> d_z) noexcept;

}  // namespace fathom
