// SPDX-License-Identifier: MIT
// Trainer: a run from a recipe (design.md 14; training.md 1): for each step the micro-batches' gradients,
// clipping, the optimiser, the router bias rule, the log, and now and then validation and a checkpoint.
//
// N steps in one go equal any split with resume, bit for bit, for any number of threads: batches are a
// function of (seed, step), sums have a fixed order. A loss or gradient that is not finite skips its step
// whole. The trainer's own thread and its pool; it prints nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "io/io_env.h"
#include "text/tokenizer.h"
#include "train/checkpoint.h"
#include "train/export_model.h"
#include "train/gradient_pass.h"
#include "train/metrics_log.h"
#include "train/optimiser.h"
#include "train/recipe.h"
#include "train/training_data.h"

namespace fathom {

// One step, for whoever watches.
struct StepReport {
  int64_t step = 0;
  int64_t steps = 0;
  LossValues losses;
  double total_loss = 0.0;
  double gradient_norm = 0.0;
  double learning_rate = 0.0;
  double tokens_per_second = 0.0;
  double share_of_peak = 0.0;  // 6 x active parameters x tokens / s over the float32 peak; 0: not measured
  double seconds_left = 0.0;
  std::string skipped;                    // why the step changed nothing; empty: it did
  std::optional<double> validation_loss;  // of this step
  bool checkpointed = false;
};

struct TrainerHooks {
  std::function<void(const StepReport&)> on_step = [](const StepReport&) {};
  std::function<bool()> should_stop = [] { return false; };  // asked after each step
  std::function<double()> seconds;                           // a clock that never goes back
  std::function<int64_t()> wall_seconds;                     // since 1970
};

struct TrainerOptions {
  int threads = 1;
  double peak_flops = 0.0;  // of all threads; 0: not known
};

enum class RunStart : uint8_t { kNew, kResume };

class Trainer {
 public:
  // Opens model, data and run directory; kResume goes on from the newest checkpoint. kInvalidArgument for a
  // new run in a directory that has checkpoints.
  static Result<std::unique_ptr<Trainer>> open(IoEnv& env, const Recipe& recipe,
                                               const TrainerOptions& options, RunStart start);

  // Runs to the recipe's last step or until should_stop; leaves a checkpoint, and at the end the exported
  // model in run_directory/model.
  Status run(const TrainerHooks& hooks);

  const RunState& state() const noexcept { return state_; }
  const ParameterSet& parameters() const noexcept { return set_; }
  int64_t total_parameters() const noexcept;
  // What one token's forward multiplies with: all but the embedding, k of E routed experts.
  int64_t active_parameters() const noexcept;

 private:
  Trainer(IoEnv& env, Recipe recipe, const TrainerOptions& options)
      : env_(env), recipe_(std::move(recipe)), options_(options) {}

  Status open_model();
  Status open_data();
  Status fill_expert_tables();
  Status start_run(RunStart start);
  Status use_stage(const TrainingStage& stage);
  TrainingBatch batch_of(int64_t first_sequence, int64_t count);
  Result<StepReport> step();
  Status gradients_of_step(const std::vector<TrainingBatch>& batches, const LossCoefficients& c,
                           StepReport& report);
  void update(const TrainingStage& stage, StepReport& report);
  Result<double> validate();
  Status log_step(const TrainerHooks& hooks, const StepReport& report);
  Status save();
  Status finish();

  IoEnv& env_;
  Recipe recipe_;
  TrainerOptions options_;
  std::string config_text_;
  std::string tokenizer_text_;
  std::unique_ptr<ThreadPool> pool_;
  ModelConfig config_;
  std::optional<Tokenizer> tokenizer_;
  ParameterSet set_;
  std::optional<Optimiser> optimiser_;
  std::optional<TrainingData> data_;
  std::optional<MetricsLog> log_;
  std::optional<GradientPass> pass_;
  CsaAttention pass_attention_ = CsaAttention::kSparse;
  ExpertLoads loads_;  // of the last step
  RunState state_;
  int64_t skipped_in_a_row_ = 0;
  int64_t step_tokens_ = 0;
};

}  // namespace fathom
