// SPDX-License-Identifier: MIT
// Lightning indexer scores (architecture.md 5): score_i = sum over heads of w_h * relu(q_h . k_i).
#pragma once

#include <span>

#include "base/view.h"

namespace fathom {

//   q        [heads * dim]
//   weights  [heads]
//   keys     [count, dim] contiguous
//   scores   [count]
void index_scores(std::span<const float> q, std::span<const float> weights, MatView<const float> keys,
                  std::span<float> scores) noexcept;

}  // namespace fathom
