// SPDX-License-Identifier: MIT
// StepContext: what every mechanism of one step needs, borrowed for the step (design.md 4).
#pragma once

#include "base/thread_pool.h"
#include "model/activations.h"
#include "model/model.h"
#include "model/stage_clock.h"
#include "ops/quantize.h"
#include "ops/rope.h"

namespace fathom {

struct StepContext {
  const Model& model;
  ThreadPool& pool;
  Rounding rounding;
  Activations& acts;
  int64_t rows;  // T of this step; every buffer's first T rows count
  StageClock* clock = nullptr;

  // What follows belongs to `stage`, for those who ask where the time goes.
  void enter(Stage stage) const noexcept {
    if (clock != nullptr) clock->enter(stage);
  }

  const ModelConfig& config() const noexcept { return model.config; }
  float norm_eps() const noexcept { return static_cast<float>(model.config.rms_norm_eps); }
  // Whether the input of a product with `w` goes through the activation round trip (architecture.md 9).
  bool quantizes(const WeightView& w) const noexcept {
    return rounding == Rounding::kAsDeployed && w.quantizes_activations();
  }
  // What the product may assume of that input.
  XPrecision x_precision(const WeightView& w) const noexcept {
    return quantizes(w) ? XPrecision::kBf16Exact : XPrecision::kF32;
  }
};

// The angles of a row's position for a layer.
inline RotaryAngles row_angles(const Activations& acts, const LayerConfig& layer, int64_t row) noexcept {
  return layer.compressed()
             ? RotaryAngles{acts.compressed_cos.view().row_span(row),
                            acts.compressed_sin.view().row_span(row)}
             : RotaryAngles{acts.window_cos.view().row_span(row), acts.window_sin.view().row_span(row)};
}

}  // namespace fathom
