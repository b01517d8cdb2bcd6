// SPDX-License-Identifier: MIT
// One sequence through the product's forward in chunks, with every logit kept: what the invariance tests
// compare bit by bit (design.md 10).
//
// Test code; single thread besides the pool. A failure to allocate ends the process.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "golden/checkpoint.h"
#include "model/transformer.h"
#include "reference/matrix.h"
#include "support/random_model.h"

namespace fathom {

// A random model, loaded, and the bytes that it views.
class LoadedRandomModel {
 public:
  explicit LoadedRandomModel(RandomModel files);

  const Model& model() const noexcept { return model_; }
  const ModelConfig& config() const noexcept { return model_.config; }
  const Checkpoint& checkpoint() const noexcept { return checkpoint_; }
  DraftLayer draft() const noexcept { return model_.weights.mtp ? DraftLayer::kRun : DraftLayer::kSkip; }

 private:
  RandomModel files_;
  Checkpoint checkpoint_;
  Model model_;
};

// Everything that a sequence gave.
struct SequenceLogits {
  reference::Matrix<float> logits;  // [T, V]
  reference::Matrix<float> draft;   // [T - 1, V]; no rows without an MTP layer
};

// Rows of `a` and `b` have the same bits, up to the shorter of the two.
bool same_rows(const reference::Matrix<float>& a, const reference::Matrix<float>& b);

// Runs sequences of one model one after the other, in the same activations and the same state.
class SequenceRunner {
 public:
  struct Options {
    int threads = 1;
    Rounding rounding = Rounding::kAsDeployed;
    int64_t tokens = 1;  // longest sequence
    int64_t batch = 1;   // longest chunk
    // How the state keeps its rows where it has the choice; without round trips it has none.
    RowPrecision precision = RowPrecision::kPacked;
  };
  SequenceRunner(const LoadedRandomModel& model, const Options& options);

  // The tokens as spans of `chunk`.
  SequenceLogits run(std::span<const int32_t> tokens, int64_t chunk);
  // As spans of the given lengths, which add up to the tokens.
  SequenceLogits run(std::span<const int32_t> tokens, std::span<const int64_t> chunks);

  SequenceState& state() noexcept { return state_; }

 private:
  const LoadedRandomModel& model_;
  Options options_;
  std::unique_ptr<ThreadPool> pool_;
  Activations acts_;
  SequenceState state_;
};

}  // namespace fathom
