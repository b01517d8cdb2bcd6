// SPDX-License-Identifier: MIT
// A sequence state as if it had read many tokens, without reading them: for measuring at depth
// (performance.md 4.6). Engine thread.
#pragma once

#include <cstdint>

#include "config/model_config.h"
#include "state/sequence_state.h"

namespace fathom {

// Makes `state`, which is empty and has room for them reserved, hold `tokens` random tokens with random rows.
// The draft layer is left empty.
void fill_random_context(const ModelConfig& config, int64_t tokens, uint64_t seed, SequenceState& state);

}  // namespace fathom
