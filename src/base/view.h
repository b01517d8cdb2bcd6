// SPDX-License-Identifier: MIT
// MatView: a borrowed matrix. Never owns, is passed by value (design.md 3).
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

#include "base/check.h"

namespace fathom {

// rows x cols elements, row r at data + r * stride; stride in elements, stride >= cols.
template <typename T>
struct MatView {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  MatView() = default;
  MatView(T* data_in, int64_t rows_in, int64_t cols_in, int64_t stride_in) noexcept
      : data(data_in), rows(rows_in), cols(cols_in), stride(stride_in) {}
  MatView(T* data_in, int64_t rows_in, int64_t cols_in) noexcept
      : MatView(data_in, rows_in, cols_in, cols_in) {}
  // A mutable view is also a const one.
  template <typename U>
    requires(std::is_same_v<T, const U>)
  MatView(MatView<U> other) noexcept  // NOLINT(google-explicit-constructor)
      : MatView(other.data, other.rows, other.cols, other.stride) {}

  T* row(int64_t r) const noexcept {
    FATHOM_DCHECK(r >= 0 && r < rows);
    return data + r * stride;
  }
  std::span<T> row_span(int64_t r) const noexcept { return {row(r), static_cast<size_t>(cols)}; }
  T& at(int64_t r, int64_t c) const noexcept { return row(r)[c]; }
  // Rows [first, first + count).
  MatView slice_rows(int64_t first, int64_t count) const noexcept {
    FATHOM_DCHECK(first >= 0 && count >= 0 && first + count <= rows);
    return {data + first * stride, count, cols, stride};
  }
  // Columns [first, first + count) of every row.
  MatView slice_cols(int64_t first, int64_t count) const noexcept {
    FATHOM_DCHECK(first >= 0 && count >= 0 && first + count <= cols);
    return {data + first, rows, count, stride};
  }
};

}  // namespace fathom
