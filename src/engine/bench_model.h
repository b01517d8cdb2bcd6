// SPDX-License-Identifier: MIT
// Cases of a whole model: decode at depth, passes of several tokens, several sequences, prefill, load and
// memory (performance.md 2, P1, P2, P4 to P9).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/bench.h"
#include "engine/step_cost.h"
#include "io/io_env.h"
#include "model/transformer.h"

namespace fathom {

// What the cases of one model share. Engine thread and its pool.
class BenchModel {
 public:
  // `model` and `pool` outlive it; batch_tokens: rows of the largest step.
  static Result<std::unique_ptr<BenchModel>> create(const Model& model, ThreadPool& pool,
                                                    int64_t batch_tokens);

  // From now on the time of steps is counted by part.
  void start_profile() noexcept;

  // Runs one step and counts what it had to read and compute. Bytes of experts follow the step's own routes.
  BenchSample run_step(std::span<const SequenceSpan> spans);

  // What the steps since the last call spent by part, for one step on average; empty without profile. The
  // last part is what the clock did not see.
  std::vector<BenchPart> take_parts();

  const Model& model() const noexcept { return model_; }
  int64_t batch_tokens() const noexcept { return acts_.sizes.batch_tokens; }

  // Most rows of a step whose logits may be asked for.
  static constexpr int64_t kLogitRows = 8;

 private:
  BenchModel(const Model& model, ThreadPool& pool, Activations acts);
  int64_t count_expert_reads(const Activations& acts);

  const Model& model_;
  ThreadPool& pool_;
  Activations acts_;
  ForwardOptions options_;
  StageClock clock_;
  StepCost profiled_cost_;  // sum of the steps since take_parts
  double profiled_seconds_ = 0.0;
  int64_t profiled_steps_ = 0;
  int64_t expert_reads_ = 0;   // of the step at hand
  int64_t rows_ = 0;           // of the step at hand
  std::vector<uint8_t> seen_;  // [E]
};

// What is measured of a model, by the words of the command line.
struct StepBenchOptions {
  int repetitions = 5;    // most measurements of a case
  double seconds = 0.25;  // least time of one measurement of a short step
  int64_t seed = 1;
};

using BenchCases = std::vector<std::unique_ptr<BenchCase>>;

// One token at a time after `context` tokens.
inline constexpr int64_t kShortContext = 64;
Result<std::unique_ptr<BenchCase>> decode_case(BenchModel& model, int64_t context,
                                               const StepBenchOptions& options);
// `tokens` tokens of one sequence in one pass, as a check of drafts.
Result<std::unique_ptr<BenchCase>> pass_case(BenchModel& model, int64_t tokens,
                                             const StepBenchOptions& options);
// One token each of `sequences` sequences.
Result<std::unique_ptr<BenchCase>> batch_case(BenchModel& model, int64_t sequences,
                                              const StepBenchOptions& options);
// `tokens` tokens of one sequence after `depth` tokens.
Result<std::unique_ptr<BenchCase>> prefill_case(BenchModel& model, int64_t tokens, int64_t depth,
                                                const StepBenchOptions& options);

// Time from a name to the first token; the files are in the page cache after the first measurement, which
// does not count.
std::unique_ptr<BenchCase> load_case(IoEnv& env, std::string name, int threads);
// Memory above the weights with `context` tokens of one sequence; measured when made, so make it first.
Result<std::unique_ptr<BenchCase>> memory_case(IoEnv& env, const Model& model, ThreadPool& pool,
                                               int64_t context);

}  // namespace fathom
