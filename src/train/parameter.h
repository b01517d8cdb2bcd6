// SPDX-License-Identifier: MIT
// Parameter: one tensor that training owns: its float32 master, the sum of its gradients and, with
// quantisation-aware training, the shadow that the forward and the backward product use (training.md 1, 7).
//
// Owned by ParameterSet; changed by the trainer thread and its pool.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "numeric/weight_view.h"

namespace fathom {

// Who changes it, and how (training.md 4).
enum class Update : uint8_t {
  kMuon,           // matrices
  kAdamWDecayed,   // embed, head
  kAdamW,          // norms, hyper-connection base and scale, sinks, ape
  kBalancingRule,  // gate.bias: no gradient (training.md 6)
};

// How a checkpoint in the released layout stores it (architecture.md 9).
enum class Storage : uint8_t {
  kF32,       // hyper-connections, sinks, ape, gate.bias
  kBf16,      // embed, head, norms, gate, compressors, weights_proj
  kDense,     // FP8 in quantised checkpoints; activations that enter are rounded
  kDenseRaw,  // the same, but what enters is never rounded: wo_a
  kExpert,    // FP4 or FP8 in quantised checkpoints: routed experts
};

struct Parameter {
  std::string name;            // in the released spelling (architecture.md 10)
  std::vector<int64_t> shape;  // [n] or [rows, cols]
  Update update = Update::kMuon;
  Storage storage = Storage::kF32;
  int groups = 1;  // matrices of rows / groups rows each that Muon takes for themselves: wo_a

  MatBuf<float> master;
  MatBuf<float> gradient;  // empty for kBalancingRule

  // Quantised shadow: its format, its codes and scales as a checkpoint has them, and its values as f32. Empty
  // while the master itself is used.
  WeightFormat format = WeightFormat::kF32;
  MatBuf<float> shadow;
  MatBuf<uint8_t> codes;
  MatBuf<uint8_t> scales;

  int64_t rows() const noexcept { return master.rows(); }
  int64_t cols() const noexcept { return master.cols(); }
  int64_t size() const noexcept { return rows() * cols(); }
  bool quantised() const noexcept { return format != WeightFormat::kF32; }
  // The values that the model computes with.
  MatView<const float> used() const noexcept { return quantised() ? shadow.view() : master.view(); }
};

// Makes the shadow anew from the master. Pure in the master; other parameters may run beside it.
void refresh_shadow(Parameter& parameter) noexcept;

}  // namespace fathom
