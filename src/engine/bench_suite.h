// SPDX-License-Identifier: MIT
// Which cases `fathom bench` measures, by the words of its command line (conformance.md). Owns the model and
// the cases; engine thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/bench_model.h"
#include "engine/loaded_model.h"
#include "engine/synthetic_model.h"

namespace fathom {

enum class BenchGroup : uint8_t { kLimits, kKernels, kDecode, kPrefill, kBatch, kLong, kLoad };

// "limits", "kernels", "decode", "prefill", "batch", "long", "load"; nothing for another word.
std::optional<BenchGroup> bench_group(std::string_view word);

enum class BenchEffort : uint8_t {
  kQuick,  // two short repetitions, to see that everything works
  kFull,   // five
};

struct BenchSuiteOptions {
  std::vector<BenchGroup> groups;  // empty: decode, prefill, batch and load
  std::string model;               // directory, builtin:tiny-chat, or empty
  std::string preset;              // of SyntheticModel, or empty
  std::string figure;              // only this one, and what it is compared with; empty: all
  BenchEffort effort = BenchEffort::kFull;
  bool profile = false;  // parts of each figure of steps
};

class BenchSuite {
 public:
  // `pool` and `probe` outlive the suite. kInvalidArgument for groups that need a model without one, for a
  // model and a preset, or for a figure that no group has.
  static Result<std::unique_ptr<BenchSuite>> create(const BenchSuiteOptions& options, LimitProbe& probe,
                                                    ThreadPool& pool);

  std::span<const std::unique_ptr<BenchCase>> cases() const noexcept { return cases_; }
  // The case of options.figure, else the first.
  BenchCase& chosen() const noexcept;
  int repetitions() const noexcept { return step_options_.repetitions; }
  // Only with a group that has a model.
  BenchModel& bench_model() const noexcept { return *bench_model_; }

 private:
  using MakeCases = std::function<Result<BenchCases>()>;
  struct Planned {
    std::string name;  // of the case, or of the first of several
    MakeCases make;
  };

  BenchSuite(const BenchSuiteOptions& options, LimitProbe& probe, ThreadPool& pool);
  bool needs_model() const noexcept;
  Status open_model();
  void plan(BenchGroup group);
  void plan_limits();
  void plan_decode(std::initializer_list<int64_t> contexts);
  void plan_prefill(int64_t tokens, int64_t depth);
  void plan_batch();
  void plan_load();
  void add(std::string name, std::function<Result<std::unique_ptr<BenchCase>>()> make);
  // A case of steps; the first one makes what they share.
  void add_step(std::string name, std::function<Result<std::unique_ptr<BenchCase>>(BenchModel&)> make);
  Status make_cases();

  BenchSuiteOptions options_;
  StepBenchOptions step_options_;
  LimitProbe& probe_;
  ThreadPool& pool_;
  const Model* model_ = nullptr;  // of one of the next two
  std::unique_ptr<LoadedModel> loaded_;
  std::unique_ptr<SyntheticModel> synthetic_;
  std::unique_ptr<BenchModel> bench_model_;
  std::vector<Planned> planned_;
  BenchCases cases_;
};

}  // namespace fathom
