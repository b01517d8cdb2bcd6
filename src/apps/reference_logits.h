// SPDX-License-Identifier: MIT
// The reference forward behind the interface of engine/score.h, for `fathom logits --reference`. It computes
// whole sequences as plain loops in binary32 and ignores chunk and threads.
#pragma once

#include "engine/score.h"

namespace fathom {

// As score().
Result<ScoreOutput> score_with_reference(const Model& model, MatView<const int32_t> tokens,
                                         const ScoreOptions& options);

}  // namespace fathom
