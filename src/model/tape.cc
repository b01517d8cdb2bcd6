// SPDX-License-Identifier: MIT
#include "model/tape.h"

#include <algorithm>
#include <utility>

#include "model/attention.h"
#include "model/mhc.h"
#include "model/moe.h"
#include "ops/parallel.h"

namespace fathom {
namespace {

void copy_rows(StepContext& step, MatView<const float> from, MatBuf<float>& to) noexcept {
  parallel_rows(step.pool, step.rows, [&](int64_t row, int) {
    const auto source = from.row_span(row);
    std::copy(source.begin(), source.end(), to.view().row(row));
  });
}

}  // namespace

Result<BlockTape> BlockTape::create(const ModelConfig& config, int64_t rows) {
  BlockTape tape;
  const int64_t stream_floats = int64_t{config.hc_mult} * config.hidden_size;
  FATHOM_ASSIGN_OR_RETURN(tape.streams, MatBuf<float>::allocate(rows, stream_floats));
  FATHOM_ASSIGN_OR_RETURN(tape.streams_mid, MatBuf<float>::allocate(rows, stream_floats));
  FATHOM_ASSIGN_OR_RETURN(tape.hc_attn, HcActivations::create(config, rows));
  FATHOM_ASSIGN_OR_RETURN(tape.hc_ffn, HcActivations::create(config, rows));
  FATHOM_ASSIGN_OR_RETURN(tape.attention, AttentionActivations::create(config, rows));
  FATHOM_ASSIGN_OR_RETURN(tape.moe, MoeActivations::create(config, rows));
  return tape;
}

AttentionTapeInUse::AttentionTapeInUse(StepContext& step, BlockTape& tape) noexcept
    : acts_(step.acts), tape_(tape) {
  std::swap(acts_.hc, tape_.hc_attn);
  std::swap(acts_.attention, tape_.attention);
}

AttentionTapeInUse::~AttentionTapeInUse() {
  std::swap(acts_.hc, tape_.hc_attn);
  std::swap(acts_.attention, tape_.attention);
}

ExpertsTapeInUse::ExpertsTapeInUse(StepContext& step, BlockTape& tape) noexcept
    : acts_(step.acts), tape_(tape) {
  std::swap(acts_.hc, tape_.hc_ffn);
  std::swap(acts_.moe, tape_.moe);
}

ExpertsTapeInUse::~ExpertsTapeInUse() {
  std::swap(acts_.hc, tape_.hc_ffn);
  std::swap(acts_.moe, tape_.moe);
}

void taped_block_forward(StepContext& step, const LayerConfig& layer, const BlockWeights& w, BlockTape& tape,
                         MatView<float> streams) noexcept {
  {
    const AttentionTapeInUse in_use(step, tape);
    copy_rows(step, streams, tape.streams);
    hc_enter(step, w.hc_attn, w.attn_norm, streams);
    attention_forward(step, layer, w.attn);
    hc_leave(step, streams);
  }
  const ExpertsTapeInUse in_use(step, tape);
  copy_rows(step, streams, tape.streams_mid);
  hc_enter(step, w.hc_ffn, w.ffn_norm, streams);
  moe_forward(step, layer, w.ffn);
  hc_leave(step, streams);
}

}  // namespace fathom
