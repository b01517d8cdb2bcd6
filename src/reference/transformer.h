// SPDX-License-Identifier: MIT
// The whole forward of one sequence, from token ids to logits, as plain loops (architecture.md 2-7; design.md
// 15): the independent judge of the product, of which it shares only the config.
//
// No state, no chunks: every call computes the sequence from its start. Pure function, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "reference/block.h"
#include "reference/matrix.h"
#include "reference/quantize.h"
#include "reference/weights.h"

namespace fathom::reference {

struct Options {
  Rounding rounding = Rounding::kAsDeployed;
  bool mtp = false;    // fill Output::mtp_logits; ignored when the weights have no MTP layer
  bool trace = false;  // fill streams and choices
};

template <typename T>
struct Output {
  Matrix<T> logits;                         // [T, V]
  Matrix<T> mtp_logits;                     // [T-1, V]; empty without MTP
  std::vector<Matrix<T>> streams;           // with trace: [L+1] of [T, n D], the first one before any layer
  std::vector<LayerChoices> choices;        // with trace: [L]
  std::optional<LayerChoices> mtp_choices;  // with trace and MTP: T-1 rows
};

// Requires at least one token, ids below vocab_size, and weights of this config's shapes.
template <typename T>
Output<T> forward(const ModelConfig& config, const Weights<T>& w, std::span<const int32_t> tokens,
                  const Options& options);

}  // namespace fathom::reference
