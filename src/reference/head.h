// SPDX-License-Identifier: MIT
// From residual streams to logits: learned collapse, final norm, lm_head (architecture.md 2). Shared by the
// main model and the MTP layer. Pure function, any thread.
#pragma once

#include <vector>

#include "config/model_config.h"
#include "reference/matrix.h"
#include "reference/weights.h"

namespace fathom::reference {

// [T, V] from streams [T, n D].
template <typename T>
Matrix<T> head_logits(const Matrix<T>& streams, const HyperConnectionWeights<T>& hc_head,
                      const std::vector<T>& norm, const Matrix<T>& lm_head, const ModelConfig& config);

}  // namespace fathom::reference
