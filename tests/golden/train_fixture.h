// SPDX-License-Identifier: MIT
// The tiny model of fixtures/train in training: its masters, its batch, and gradients compared with the
// fixtures' (training.md; tolerances of the fixtures' README). Test code.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "support/fixture_file.h"
#include "train/gradient_pass.h"
#include "train/parameter_set.h"

namespace fathom {

enum class BatchKind : uint8_t { kTwoSequences, kPacked };

class TrainFixture {
 public:
  explicit TrainFixture(QuantisationAware formats = {});

  const ModelConfig& config() const noexcept { return config_; }
  ParameterSet& set() noexcept { return *set_; }
  TrainingBatch batch(BatchKind kind) const;

  struct Run {
    LossValues losses;
    ExpertLoads loads;
  };
  // Gradients of one pass over the batch, in set().
  Run run(const LossCoefficients& coefficients, const PassOptions& options, const TrainingBatch& batch,
          int threads = 1);

 private:
  ModelConfig config_;
  std::optional<ParameterSet> set_;
};

// ||a - b|| / ||b||.
double relative_difference(std::span<const float> a, std::span<const float> b);

}  // namespace fathom
