// SPDX-License-Identifier: MIT
#include "train/head_loss.h"

#include <algorithm>

#include "model/backward_step.h"
#include "ops/cross_entropy.h"
#include "ops/linear.h"
#include "ops/linear_backward.h"
#include "ops/parallel.h"
#include "train/batch.h"

namespace fathom {
namespace {

// 16 MB of logits a tile: enough rows for the head's weights to be worth reading, few enough for the caches.
constexpr int64_t kTileFloats = int64_t{4} << 20;

int64_t tile_rows(const ModelConfig& config, int64_t rows) noexcept {
  return std::min(rows, std::clamp<int64_t>(kTileFloats / config.vocab_size, 16, 512));
}

}  // namespace

Result<HeadLoss> HeadLoss::create(const ModelConfig& config, int64_t rows) {
  HeadLoss head;
  const int64_t tile = tile_rows(config, rows);
  FATHOM_ASSIGN_OR_RETURN(head.logits_, MatBuf<float>::allocate(tile, config.vocab_size));
  head.losses_.resize(static_cast<size_t>(tile));
  return head;
}

MatView<float> HeadLoss::tile(ThreadPool& pool, const WeightView& head, const HeadRows& rows,
                              float scale) noexcept {
  const auto logits = logits_.view().slice_rows(0, rows.hidden.rows);
  linear(pool, {rows.hidden, &head, logits});
  parallel_rows(pool, rows.hidden.rows, [&](int64_t row, int) {
    const int32_t target = rows.targets[static_cast<size_t>(row)];
    const auto out = logits.row_span(row);
    double& loss = losses_[static_cast<size_t>(row)];
    if (target == kNoTarget) {
      std::fill(out.begin(), out.end(), 0.0F);
      loss = 0.0;
    } else {
      loss = cross_entropy_backward<float>(out, target, scale);
    }
  });
  return logits;
}

double HeadLoss::loss(ThreadPool& pool, const WeightView& head, const HeadRows& rows) noexcept {
  double total = 0.0;
  for (int64_t first = 0; first < rows.hidden.rows; first += logits_.rows()) {
    const int64_t count = std::min(logits_.rows(), rows.hidden.rows - first);
    tile(pool, head, rows.part(first, count), 0.0F);
    for (int64_t row = 0; row < count; ++row) total += losses_[static_cast<size_t>(row)];
  }
  return total;
}

double HeadLoss::loss_backward(ThreadPool& pool, const WeightView& head, const HeadRows& rows, float scale,
                               MatrixGradient& d_head, MatView<float> d_hidden) noexcept {
  double total = 0.0;
  clear_rows(pool, d_hidden);
  for (int64_t first = 0; first < rows.hidden.rows; first += logits_.rows()) {
    const int64_t count = std::min(logits_.rows(), rows.hidden.rows - first);
    const HeadRows part = rows.part(first, count);
    const MatView<float> d_logits = tile(pool, head, part, scale);
    for (int64_t row = 0; row < count; ++row) total += losses_[static_cast<size_t>(row)];
    add_weight_gradient(pool, d_logits, part.hidden, d_head.d_w);
    add_input_gradient(pool, d_logits, d_head.w, d_hidden.slice_rows(first, count));
  }
  return total;
}

}  // namespace fathom
