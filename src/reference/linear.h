// SPDX-License-Identifier: MIT
// Matrix products of whole sequences (architecture.md 9): y_t = W x_t, the input rounded to e4m3 per 128
// channels where the weight asks for it. Pure functions, any thread.
#pragma once

#include <span>
#include <vector>

#include "reference/matrix.h"
#include "reference/quantize.h"
#include "reference/weights.h"

namespace fathom::reference {

// [out] = W [out, in] x [in], never quantised.
template <typename T>
std::vector<T> multiply(const Matrix<T>& weight, std::span<const T> x);
// [rows, out] from x [rows, in], never quantised.
template <typename T>
Matrix<T> multiply_rows(const Matrix<T>& weight, const Matrix<T>& x);

// [out] from x [in]; x goes through the e4m3 round trip first when the weight quantises its input.
template <typename T>
std::vector<T> linear(const LinearWeights<T>& w, std::span<const T> x, Rounding rounding);
// [rows, out] from x [rows, in].
template <typename T>
Matrix<T> linear_rows(const LinearWeights<T>& w, const Matrix<T>& x, Rounding rounding);

}  // namespace fathom::reference
