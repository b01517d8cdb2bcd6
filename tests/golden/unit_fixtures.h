// SPDX-License-Identifier: MIT
// What the comparisons with fixtures/units share: tensors as vectors and matrices of a number type, and a
// comparison that names the worst element. The tolerances are those of the fixtures' README.
//
// Test code; single thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/model_config.h"
#include "reference/matrix.h"
#include "support/fixture_file.h"

namespace fathom {

template <typename T>
std::vector<T> vector_of(const FixtureFile& file, std::string_view name) {
  const std::span<const float> values = file.f32(name);
  return {values.begin(), values.end()};
}

// A tensor as rows of its last dimension.
template <typename T>
reference::Matrix<T> matrix_of(const FixtureFile& file, std::string_view name) {
  const int64_t cols = file.tensor(name).shape.back();
  reference::Matrix<T> m(file.tensor(name).elements() / cols, cols);
  std::ranges::copy(file.f32(name), m.data.begin());
  return m;
}

// Matrix `index` of a tensor [.., rows, cols].
template <typename T>
reference::Matrix<T> matrix_at(const FixtureFile& file, std::string_view name, int64_t index) {
  const std::vector<int64_t>& shape = file.tensor(name).shape;
  reference::Matrix<T> m(shape[shape.size() - 2], shape.back());
  std::ranges::copy(file.f32(name).subspan(index * m.data.size(), m.data.size()), m.data.begin());
  return m;
}

// Row `row` of a tensor read as [rows, rest].
inline std::span<const float> row_of(const FixtureFile& file, std::string_view name, int64_t row) {
  const std::span<const float> all = file.f32(name);
  const size_t size = all.size() / file.dim(name, 0);
  return all.subspan(row * size, size);
}

// A NaN is never within a bound.
template <typename T>
void expect_within(std::span<const T> got, std::span<const float> want, double bound,
                   const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double worst = 0.0;
  size_t at = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double difference = std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    if (difference <= worst) continue;
    worst = difference;
    at = i;
    if (std::isnan(difference)) break;
  }
  EXPECT_LE(worst, bound) << what << ", element " << at << ": " << got[at] << " and " << want[at];
}

template <typename T>
void expect_within(const std::vector<T>& got, std::span<const float> want, double bound,
                   const std::string& what) {
  expect_within(std::span<const T>(got), want, bound, what);
}

inline double largest_magnitude(std::span<const float> values) {
  double largest = 0.0;
  for (const float v : values) largest = std::max(largest, std::fabs(static_cast<double>(v)));
  return largest;
}

// The six numbers of a `rope` or `params` tensor after r: base, factor, original, fast, slow.
inline RopeConfig rope_config(std::span<const double> params) {
  return {.theta = params[1],
          .yarn = params[2] != 0,
          .factor = params[2],
          .original_max_position_embeddings = params[3],
          .beta_fast = params[4],
          .beta_slow = params[5]};
}

}  // namespace fathom
