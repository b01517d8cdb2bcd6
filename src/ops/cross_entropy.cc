// SPDX-License-Identifier: MIT
#include "ops/cross_entropy.h"

#include <algorithm>

#include "numeric/math.h"
#include "ops/vector_math.h"

namespace fathom {

template <typename T>
double cross_entropy_backward(std::span<T> logits, int32_t target, T scale) noexcept {
  const T top = *std::max_element(logits.begin(), logits.end());
  const auto at_target = static_cast<double>(logits[target] - top);
  const T total = exp_sum(std::span<const T>(logits), top, logits);
  const T factor = scale / total;
  for (T& p : logits) p *= factor;
  logits[target] -= scale;
  return log_f64(static_cast<double>(total)) - at_target;
}

template double cross_entropy_backward(std::span<float>, int32_t, float) noexcept;
template double cross_entropy_backward(std::span<double>, int32_t, double) noexcept;

}  // namespace fathom
