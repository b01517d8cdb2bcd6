// SPDX-License-Identifier: MIT
// StampedModel: stands in for the model where only the bytes of states matter. Every row is a stamp of all
// tokens up to its position, so two states are equal exactly when they come from the same tokens and nothing
// of them was lost. Thousands of times cheaper than a forward. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/model_config.h"
#include "state/sequence_state.h"

namespace fathom {

class StampedModel {
 public:
  // One window, one CSA and one HCA layer, and a draft layer.
  StampedModel();

  const ModelConfig& config() const noexcept { return config_; }
  // An empty state with room for the tokens.
  SequenceState make_state(int64_t tokens = 0) const;
  // Appends the tokens as forward would; reserves room.
  void append(SequenceState& state, std::span<const int32_t> tokens) const;
  // A fresh state of these tokens.
  SequenceState evaluate(std::span<const int32_t> tokens) const;

 private:
  ModelConfig config_;
};

// What save writes.
std::string saved(const SequenceState& state);
// Its digest, to compare and print: equal exactly for states that continue alike.
std::string digest_of(const SequenceState& state);

}  // namespace fathom
