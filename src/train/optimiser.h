// SPDX-License-Identifier: MIT
// Muon and AdamW over a set of parameters (training.md 4), with gradient clipping.
//
// Moments are float32 and part of a checkpoint. Each matrix is one worker's work, so values do not depend on
// the number of workers. Owned by the trainer; trainer thread and its pool.
#pragma once

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "train/newton_schulz.h"
#include "train/parameter_set.h"

namespace fathom {

struct MuonSettings {
  double momentum = 0.95;
  double update_rms = 0.18;  // gamma
  double decay = 0.1;
};

struct AdamWSettings {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-20;
  double decay = 0.1;
};

struct OptimiserSettings {
  MuonSettings muon;
  AdamWSettings adamw;
};

// The moments of one parameter: Muon has the first only, the balancing rule none.
struct Moments {
  MatBuf<float> first;
  MatBuf<float> second;
};

// Which parameters a step changes (training.md 9).
enum class Trained : uint8_t { kAll, kIndexerOnly };

bool is_trained(const Parameter& parameter, Trained trained) noexcept;

// One step's numbers. `gradient_scale` is what clipping says; `update` counts from 1, for AdamW's bias
// correction.
struct UpdateStep {
  double learning_rate = 0.0;
  double gradient_scale = 1.0;
  int64_t update = 1;
  Trained trained = Trained::kAll;
};

class Optimiser {
 public:
  static Result<Optimiser> create(const ParameterSet& set, const OptimiserSettings& settings, int workers);

  void step(ThreadPool& pool, ParameterSet& set, const UpdateStep& step) noexcept;

  std::vector<Moments>& moments() noexcept { return moments_; }  // in the order of the set's parameters
  const std::vector<Moments>& moments() const noexcept { return moments_; }

 private:
  void muon(Parameter& p, Moments& m, const UpdateStep& step, int worker) noexcept;
  void adamw(Parameter& p, Moments& m, const UpdateStep& step) const noexcept;

  OptimiserSettings settings_;
  std::vector<Moments> moments_;
  std::vector<NewtonSchulz> newton_schulz_;  // one a worker
  std::vector<MatBuf<float>> updates_;       // one a worker: the matrix being orthogonalised
  std::vector<int> worker_of_;               // of each parameter
};

// The 2-norm of the gradients of all parameters together, in a fixed order; not finite when one of them is
// not.
double gradient_norm(ThreadPool& pool, const ParameterSet& set, Trained trained) noexcept;
// The name of the first parameter whose gradient has a value that is not finite; empty when all are.
std::string first_bad_gradient(const ParameterSet& set);
// The same for masters.
std::string first_bad_weight(const ParameterSet& set);

// gate.bias of one router += rate * sign(mean load - load) (training.md 6).
void balance_router(std::span<const int64_t> loads, double rate, std::span<float> bias) noexcept;

}  // namespace fathom
