// SPDX-License-Identifier: MIT
// Matrix: rows x cols numbers in one vector, row-major. The only container of the reference (design.md 15).
// A value; copies are deep.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/view.h"

namespace fathom::reference {

template <typename T>
struct Matrix {
  int64_t rows = 0;
  int64_t cols = 0;
  std::vector<T> data;

  Matrix() = default;
  Matrix(int64_t rows_in, int64_t cols_in, T fill = T())
      : rows(rows_in), cols(cols_in), data(static_cast<size_t>(rows_in * cols_in), fill) {}

  std::span<T> row(int64_t r) { return view().row_span(r); }
  std::span<const T> row(int64_t r) const { return view().row_span(r); }
  T& at(int64_t r, int64_t c) { return data[static_cast<size_t>(r * cols + c)]; }
  const T& at(int64_t r, int64_t c) const { return data[static_cast<size_t>(r * cols + c)]; }
  MatView<T> view() { return {data.data(), rows, cols}; }
  MatView<const T> view() const { return {data.data(), rows, cols}; }
};

// Row r read as `parts` rows of equal length: heads of a query row, streams of a residual row.
template <typename T>
MatView<T> split_row(Matrix<T>& m, int64_t r, int64_t parts) {
  return {m.row(r).data(), parts, m.cols / parts};
}
template <typename T>
MatView<const T> split_row(const Matrix<T>& m, int64_t r, int64_t parts) {
  return {m.row(r).data(), parts, m.cols / parts};
}

}  // namespace fathom::reference
