// SPDX-License-Identifier: MIT
// Normalised Walsh-Hadamard transform by its definition (architecture.md 5). Pure function, any thread.
#pragma once

#include <span>

namespace fathom::reference {

// y_a = n^-1/2 sum_b (-1)^popcount(a & b) x_b, in place. Requires n a power of two.
template <typename T>
void hadamard(std::span<T> x);

}  // namespace fathom::reference
