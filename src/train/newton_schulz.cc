// SPDX-License-Identifier: MIT
#include "train/newton_schulz.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/vector_math.h"

namespace fathom {
namespace {

struct Coefficients {
  float a;
  float b;
  float c;
};

constexpr Coefficients kLift{3.4445F, -4.7750F, 2.0315F};
constexpr Coefficients kSettle{2.0F, -1.5F, 0.5F};
constexpr std::array<Coefficients, 10> kSteps = {kLift, kLift, kLift, kLift,   kLift,
                                                 kLift, kLift, kLift, kSettle, kSettle};

double frobenius_norm(MatView<const float> x) noexcept {
  double sum = 0.0;
  for (int64_t r = 0; r < x.rows; ++r) {
    for (const float v : x.row_span(r)) sum += static_cast<double>(v) * v;
  }
  return std::sqrt(sum);
}

void clear(MatView<float> m) noexcept {
  for (int64_t r = 0; r < m.rows; ++r) std::fill_n(m.row(r), m.cols, 0.0F);
}

// Columns of a symmetric product that are computed at a time, down to the diagonal.
constexpr int64_t kSymmetricColumns = 64;

// out [n, n] = a^T b where that is known to be symmetric: the upper blocks, then their mirror image.
void symmetric_product(MatView<const float> a, MatView<const float> b, MatView<float> out) noexcept {
  clear(out);
  const int64_t n = out.cols;
  for (int64_t first = 0; first < n; first += kSymmetricColumns) {
    const int64_t count = std::min(kSymmetricColumns, n - first);
    const int64_t rows = first + count;
    transposed_multiply_add(a.slice_cols(0, rows), b.slice_cols(first, count),
                            out.slice_rows(0, rows).slice_cols(first, count));
  }
  for (int64_t r = 1; r < n; ++r) {
    for (int64_t c = 0; c < r; ++c) out.at(r, c) = out.at(c, r);
  }
}

// y [m, n], m >= n: next = a y + y (b G + c G^2) with G = y^T y. The iteration of training.md 4 on the
// transpose, so that the small square is the one multiplied by itself and no product needs a transposed copy.
void iterate(const Coefficients& k, MatView<const float> y, MatView<float> gram, MatView<float> product,
             MatView<float> next) noexcept {
  symmetric_product(y, y, gram);
  symmetric_product(gram, gram, product);
  for (int64_t r = 0; r < gram.rows; ++r) {
    float* p = product.row(r);
    const float* g = gram.row(r);
    for (int64_t c = 0; c < gram.cols; ++c) p[c] = k.b * g[c] + k.c * p[c];
  }
  for (int64_t r = 0; r < y.rows; ++r) {
    const float* from = y.row(r);
    float* to = next.row(r);
    for (int64_t c = 0; c < y.cols; ++c) to[c] = k.a * from[c];
  }
  multiply_add(y, product, next);
}

}  // namespace

Result<NewtonSchulz> NewtonSchulz::create(int64_t max_elements, int64_t max_small_side) {
  NewtonSchulz ns;
  FATHOM_ASSIGN_OR_RETURN(ns.tall_, MatBuf<float>::allocate(1, max_elements));
  FATHOM_ASSIGN_OR_RETURN(ns.next_, MatBuf<float>::allocate(1, max_elements));
  FATHOM_ASSIGN_OR_RETURN(ns.gram_, MatBuf<float>::allocate(1, max_small_side * max_small_side));
  FATHOM_ASSIGN_OR_RETURN(ns.product_, MatBuf<float>::allocate(1, max_small_side * max_small_side));
  return ns;
}

void NewtonSchulz::orthogonalise(MatView<float> x) noexcept {
  const double norm = frobenius_norm(x);
  if (norm == 0.0) return;
  const auto inverse = static_cast<float>(1.0 / norm);
  for (int64_t r = 0; r < x.rows; ++r) {
    for (float& v : x.row_span(r)) v *= inverse;
  }
  const bool wide = x.cols > x.rows;
  const int64_t small = std::min(x.rows, x.cols);
  const int64_t large = std::max(x.rows, x.cols);
  MatView<float> y(tall_.data(), large, small);
  MatView<float> next(next_.data(), large, small);
  if (wide) {
    transpose<float>(x, y);
  } else {
    for (int64_t r = 0; r < large; ++r) std::copy_n(x.row(r), small, y.row(r));
  }
  const MatView<float> gram(gram_.data(), small, small);
  const MatView<float> product(product_.data(), small, small);
  for (const Coefficients& k : kSteps) {
    iterate(k, y, gram, product, next);
    std::swap(y, next);
  }
  if (wide) {
    transpose<float>(y, x);
  } else {
    for (int64_t r = 0; r < large; ++r) std::copy_n(y.row(r), small, x.row(r));
  }
}

}  // namespace fathom
