// SPDX-License-Identifier: MIT
#include "reference/hadamard.h"

#include <bit>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "reference/number.h"

namespace fathom::reference {

template <typename T>
void hadamard(std::span<T> x) {
  FATHOM_CHECK(std::has_single_bit(x.size()));
  const std::vector<T> input(x.begin(), x.end());
  const T scale = T(static_cast<Real<T>>(1.0 / std::sqrt(static_cast<double>(x.size()))));
  for (size_t a = 0; a < x.size(); ++a) {
    T sum = T(0);
    for (size_t b = 0; b < x.size(); ++b) {
      if (std::popcount(a & b) % 2 == 0) {
        sum += input[b];
      } else {
        sum -= input[b];
      }
    }
    x[a] = sum * scale;
  }
}

template void hadamard(std::span<float>);
template void hadamard(std::span<double>);
template void hadamard(std::span<Complex>);

}  // namespace fathom::reference
