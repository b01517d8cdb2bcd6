// SPDX-License-Identifier: MIT
#include "train/hash_table.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace fathom {

void fill_expert_table(std::span<const int64_t> counts, int experts, MatView<int32_t> table) {
  FATHOM_CHECK(static_cast<int64_t>(counts.size()) == table.rows && table.cols <= experts);
  std::vector<int32_t> ids(counts.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) { return counts[a] > counts[b]; });
  std::vector<int64_t> load(static_cast<size_t>(experts), 0);
  std::vector<int32_t> order(static_cast<size_t>(experts));
  for (const int32_t id : ids) {
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + table.cols, order.end(),
                      [&](int32_t a, int32_t b) { return load[a] != load[b] ? load[a] < load[b] : a < b; });
    for (int64_t slot = 0; slot < table.cols; ++slot) {
      table.at(id, slot) = order[slot];
      load[order[slot]] += counts[id] + 1;
    }
  }
}

}  // namespace fathom
