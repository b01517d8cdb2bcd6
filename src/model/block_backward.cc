// SPDX-License-Identifier: MIT
#include "model/block_backward.h"

#include "model/attention_backward.h"
#include "model/mhc_backward.h"
#include "model/moe_backward.h"

namespace fathom {

void block_backward(BackwardStep& b, const LayerConfig& layer, const BlockWeights& w, BlockTape& tape,
                    BlockGradients& d_w, MatView<float> d_streams) noexcept {
  {
    const ExpertsTapeInUse in_use(b.step, tape);
    const MatView<const float> streams = b.rows(tape.streams_mid);
    hc_leave_backward(b, streams, d_streams);
    moe_backward(b, layer, w.ffn, d_w.ffn);
    hc_enter_backward(b, {w.hc_ffn, w.ffn_norm, d_w.hc_ffn, d_w.ffn_norm}, streams, d_streams);
  }
  const AttentionTapeInUse in_use(b.step, tape);
  const MatView<const float> streams = b.rows(tape.streams);
  hc_leave_backward(b, streams, d_streams);
  attention_backward(b, layer, w.attn, d_w.attn);
  hc_enter_backward(b, {w.hc_attn, w.attn_norm, d_w.hc_attn, d_w.attn_norm}, streams, d_streams);
}

}  // namespace fathom
