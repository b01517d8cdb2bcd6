// SPDX-License-Identifier: MIT
// The head with its cross entropy, fused: logits exist for one tile of rows at a time, never [tokens, vocab]
// (training.md 2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "config/model_config.h"
#include "model/gradients.h"
#include "numeric/weight_view.h"

namespace fathom {

// What the head reads: collapsed and normed rows [T, D], and what each must predict (batch.h).
struct HeadRows {
  MatView<const float> hidden;
  std::span<const int32_t> targets;

  HeadRows part(int64_t first, int64_t count) const noexcept {
    return {hidden.slice_rows(first, count),
            targets.subspan(static_cast<size_t>(first), static_cast<size_t>(count))};
  }
};

class HeadLoss {
 public:
  static Result<HeadLoss> create(const ModelConfig& config, int64_t rows);

  // The sum of cross entropies of the rows with a target.
  double loss(ThreadPool& pool, const WeightView& head, const HeadRows& rows) noexcept;
  // The same, and its derivative times `scale`: d_hidden [T, D] written, the head's added.
  double loss_backward(ThreadPool& pool, const WeightView& head, const HeadRows& rows, float scale,
                       MatrixGradient& d_head, MatView<float> d_hidden) noexcept;

 private:
  // Logits of rows [first, first + count), then what cross_entropy_backward leaves of them; adds their
  // losses.
  MatView<float> tile(ThreadPool& pool, const WeightView& head, const HeadRows& rows, float scale) noexcept;

  MatBuf<float> logits_;        // [tile rows, V]
  std::vector<double> losses_;  // of the tile's rows
};

}  // namespace fathom
