// SPDX-License-Identifier: MIT
// The k largest of a row of scores, ties to the lower index: how routers and indexers choose (architecture.md
// 5, 6). Pure functions, any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace fathom::reference {

struct Choice {
  std::vector<int32_t> indices;  // best first; min(k, scores) of them
  // Last chosen minus first rejected score; infinity when nothing was rejected.
  double margin = std::numeric_limits<double>::infinity();
};

// Complex scores compare by their real parts.
template <typename T>
Choice choose_top_k(std::span<const T> scores, int k);

}  // namespace fathom::reference
