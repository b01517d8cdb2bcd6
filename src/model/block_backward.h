// SPDX-License-Identifier: MIT
// Backward of one block (block.h): experts, then attention, each inside its hyper-connection (architecture.md
// 2).
#pragma once

#include "model/backward_step.h"
#include "model/gradients.h"
#include "model/tape.h"
#include "weights/model_weights.h"

namespace fathom {

// d_streams [T, n D] by the streams after the block becomes that by those before it. The tape is used up. The
// spans in acts.spans, their states, positions and angles are those of the forward.
void block_backward(BackwardStep& b, const LayerConfig& layer, const BlockWeights& w, BlockTape& tape,
                    BlockGradients& d_w, MatView<float> d_streams) noexcept;

}  // namespace fathom
