// SPDX-License-Identifier: MIT
#include "reference/choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "reference/number.h"

namespace fathom::reference {

template <typename T>
Choice choose_top_k(std::span<const T> scores, int k) {
  std::vector<int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  // A NaN loses, so that the order stays an order.
  const auto score = [&](int32_t i) {
    const Real<T> value = real_part(scores[i]);
    return std::isnan(value) ? -std::numeric_limits<Real<T>>::infinity() : value;
  };
  std::ranges::sort(order,
                    [&](int32_t a, int32_t b) { return score(a) != score(b) ? score(a) > score(b) : a < b; });
  const size_t kept = std::min(static_cast<size_t>(k), scores.size());
  Choice choice;
  if (kept > 0 && kept < scores.size()) {
    choice.margin = static_cast<double>(real_part(scores[order[kept - 1]]) - real_part(scores[order[kept]]));
  }
  choice.indices.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept));
  return choice;
}

template Choice choose_top_k(std::span<const float>, int);
template Choice choose_top_k(std::span<const double>, int);
template Choice choose_top_k(std::span<const Complex>, int);

}  // namespace fathom::reference
