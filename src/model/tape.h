// SPDX-License-Identifier: MIT
// BlockTape: what the backward pass of one block needs of its forward: the activations of both sublayers and
// the streams before each (design.md 4). The trainer keeps one a layer.
//
// While a taped block runs, its buffers stand in for those of the step's Activations. Owned by the trainer;
// trainer thread and its pool.
#pragma once

#include "model/activations.h"
#include "model/step.h"
#include "weights/model_weights.h"

namespace fathom {

struct BlockTape {
  static Result<BlockTape> create(const ModelConfig& config, int64_t rows);

  MatBuf<float> streams;      // [T, n D] before attention
  MatBuf<float> streams_mid;  // [T, n D] before the experts
  HcActivations hc_attn;
  HcActivations hc_ffn;
  AttentionActivations attention;
  MoeActivations moe;
};

// Puts the tape's buffers of one sublayer into the step's activations for the life of the object.
class AttentionTapeInUse {
 public:
  AttentionTapeInUse(StepContext& step, BlockTape& tape) noexcept;
  ~AttentionTapeInUse();
  AttentionTapeInUse(const AttentionTapeInUse&) = delete;
  AttentionTapeInUse& operator=(const AttentionTapeInUse&) = delete;

 private:
  Activations& acts_;
  BlockTape& tape_;
};
class ExpertsTapeInUse {
 public:
  ExpertsTapeInUse(StepContext& step, BlockTape& tape) noexcept;
  ~ExpertsTapeInUse();
  ExpertsTapeInUse(const ExpertsTapeInUse&) = delete;
  ExpertsTapeInUse& operator=(const ExpertsTapeInUse&) = delete;

 private:
  Activations& acts_;
  BlockTape& tape_;
};

// block_forward (block.h) with everything kept.
void taped_block_forward(StepContext& step, const LayerConfig& layer, const BlockWeights& w, BlockTape& tape,
                         MatView<float> streams) noexcept;

}  // namespace fathom
