// SPDX-License-Identifier: MIT
// RMSNorm(x; g) = g x / sqrt(mean(x^2) + eps) (architecture.md, notation). Pure functions, any thread.
#pragma once

#include <span>

#include "reference/matrix.h"

namespace fathom::reference {

// In place. x and gain [D].
template <typename T>
void rms_norm(std::span<T> x, std::span<const T> gain, double eps);
// In place, without a gain: the heads of q (architecture.md 3).
template <typename T>
void rms_norm(std::span<T> x, double eps);
// Every row of x [rows, D].
template <typename T>
Matrix<T> rms_norm_rows(const Matrix<T>& x, std::span<const T> gain, double eps);

}  // namespace fathom::reference
