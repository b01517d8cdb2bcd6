// SPDX-License-Identifier: MIT
#include "model/block.h"

#include "model/attention.h"
#include "model/mhc.h"
#include "model/moe.h"

namespace fathom {

void block_forward(StepContext& step, const LayerConfig& layer, const BlockWeights& w,
                   MatView<float> streams) noexcept {
  hc_enter(step, w.hc_attn, w.attn_norm, streams);
  attention_forward(step, layer, w.attn);
  step.enter(Stage::kHyperConnections);
  hc_leave(step, streams);
  hc_enter(step, w.hc_ffn, w.ffn_norm, streams);
  moe_forward(step, layer, w.ffn);
  step.enter(Stage::kHyperConnections);
  hc_leave(step, streams);
}

}  // namespace fathom
