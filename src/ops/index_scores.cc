// SPDX-License-Identifier: MIT
#include "ops/index_scores.h"

#include "kernels/dispatch.h"

namespace fathom {

void index_scores(std::span<const float> q, std::span<const float> weights, MatView<const float> keys,
                  std::span<float> scores) noexcept {
  FATHOM_DCHECK(keys.stride == keys.cols && static_cast<int64_t>(scores.size()) == keys.rows);
  kernels().attention->index_scores({.q = q.data(),
                                     .weights = weights.data(),
                                     .heads = static_cast<int64_t>(weights.size()),
                                     .dim = keys.cols,
                                     .keys = keys.data,
                                     .count = keys.rows,
                                     .scores = scores.data()});
}

}  // namespace fathom
