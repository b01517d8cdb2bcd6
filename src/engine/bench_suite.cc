// SPDX-License-Identifier: MIT
#include "engine/bench_suite.h"

#include <algorithm>
#include <array>

#include "base/concat.h"
#include "engine/bench_kernels.h"
#include "engine/bench_limits.h"

namespace fathom {
namespace {

constexpr std::array<std::pair<std::string_view, BenchGroup>, 7> kGroups = {{
    {"limits", BenchGroup::kLimits},
    {"kernels", BenchGroup::kKernels},
    {"decode", BenchGroup::kDecode},
    {"prefill", BenchGroup::kPrefill},
    {"batch", BenchGroup::kBatch},
    {"long", BenchGroup::kLong},
    {"load", BenchGroup::kLoad},
}};

constexpr int64_t kPrefillTokens = 2048;
constexpr int64_t kPrefillDepth = 32768;
constexpr int64_t kMemoryContext = 65536;
constexpr uint64_t kPresetSeed = 1;

StepBenchOptions step_options(BenchEffort effort) noexcept {
  switch (effort) {
    case BenchEffort::kQuick: return {.repetitions = 2, .seconds = 0.02};
    case BenchEffort::kFull: return {.repetitions = 5, .seconds = 0.25};
  }
  return {};
}

KernelBenchOptions kernel_options(BenchEffort effort) {
  switch (effort) {
    case BenchEffort::kQuick: return {.seconds = 0.0, .weight_bytes = int64_t{8} << 20, .rows = {1, 2, 8}};
    case BenchEffort::kFull: return {};
  }
  return {};
}

}  // namespace

std::optional<BenchGroup> bench_group(std::string_view word) {
  for (const auto& [name, group] : kGroups) {
    if (word == name) return group;
  }
  return std::nullopt;
}

BenchSuite::BenchSuite(const BenchSuiteOptions& options, LimitProbe& probe, ThreadPool& pool)
    : options_(options), step_options_(step_options(options.effort)), probe_(probe), pool_(pool) {
  if (options_.groups.empty())
    options_.groups = {BenchGroup::kDecode, BenchGroup::kPrefill, BenchGroup::kBatch, BenchGroup::kLoad};
}

Result<std::unique_ptr<BenchSuite>> BenchSuite::create(const BenchSuiteOptions& options, LimitProbe& probe,
                                                       ThreadPool& pool) {
  std::unique_ptr<BenchSuite> suite(new BenchSuite(options, probe, pool));
  if (suite->needs_model()) {
    FATHOM_RETURN_IF_ERROR(suite->open_model());
  }
  // Memory is measured while nothing else has been used and freed.
  std::ranges::stable_partition(suite->options_.groups, [](BenchGroup g) { return g == BenchGroup::kLoad; });
  for (const BenchGroup group : suite->options_.groups) suite->plan(group);
  FATHOM_RETURN_IF_ERROR(suite->make_cases());
  return suite;
}

bool BenchSuite::needs_model() const noexcept {
  return std::ranges::any_of(options_.groups, [](BenchGroup group) {
    return group != BenchGroup::kLimits && group != BenchGroup::kKernels;
  });
}

Status BenchSuite::open_model() {
  if (options_.model.empty() == options_.preset.empty()) {
    return Status(StatusCode::kInvalidArgument, concat("MODEL: expected a model or --preset, found ",
                                                       options_.model.empty() ? "neither" : "both"));
  }
  if (options_.preset.empty()) {
    FATHOM_ASSIGN_OR_RETURN(loaded_, LoadedModel::open(system_io(), options_.model));
  } else {
    FATHOM_ASSIGN_OR_RETURN(synthetic_, SyntheticModel::make(options_.preset, kPresetSeed, pool_));
  }
  model_ = loaded_ ? &loaded_->model() : &synthetic_->loaded().model();
  return Status();
}

void BenchSuite::add(std::string name, std::function<Result<std::unique_ptr<BenchCase>>()> make) {
  const auto known = [&](const Planned& planned) { return planned.name == name; };
  if (std::ranges::any_of(planned_, known)) return;
  planned_.push_back({std::move(name), [make = std::move(make)]() -> Result<BenchCases> {
                        FATHOM_ASSIGN_OR_RETURN(auto made, make());
                        BenchCases cases;
                        cases.push_back(std::move(made));
                        return cases;
                      }});
}

void BenchSuite::add_step(std::string name,
                          std::function<Result<std::unique_ptr<BenchCase>>(BenchModel&)> make) {
  add(std::move(name), [this, make = std::move(make)]() -> Result<std::unique_ptr<BenchCase>> {
    if (bench_model_ == nullptr) {
      FATHOM_ASSIGN_OR_RETURN(bench_model_, BenchModel::create(*model_, pool_, kPrefillTokens));
      if (options_.profile) bench_model_->start_profile();
    }
    return make(*bench_model_);
  });
}

void BenchSuite::plan(BenchGroup group) {
  switch (group) {
    case BenchGroup::kLimits: plan_limits(); return;
    case BenchGroup::kKernels:
      planned_.push_back(
          {"kernels", [this] { return kernel_cases(kernel_options(options_.effort), pool_); }});
      return;
    case BenchGroup::kDecode: plan_decode({kShortContext, 8192, 32768}); return;
    case BenchGroup::kPrefill:
      plan_prefill(512, 0);
      plan_prefill(kPrefillTokens, 0);
      return;
    case BenchGroup::kBatch: plan_batch(); return;
    case BenchGroup::kLong:
      plan_decode({kShortContext, 65536, 262144, 1 << 20});
      plan_prefill(512, 0);
      plan_prefill(512, kPrefillDepth);
      return;
    case BenchGroup::kLoad: plan_load(); return;
  }
}

void BenchSuite::plan_limits() {
  for (int threads = 1; threads < 2 * pool_.size(); threads *= 2) {
    const int count = std::min(threads, pool_.size());
    add(read_case_name(count), [this, count] { return read_case(probe_, count); });
  }
}

// Contexts beyond the model's are left out.
void BenchSuite::plan_decode(std::initializer_list<int64_t> contexts) {
  for (int64_t context : contexts) {
    // The longest one leaves room for the tokens that are decoded.
    if (context == model_->config.max_position_embeddings) context -= 1024;
    if (context < 1 || context >= model_->config.max_position_embeddings) continue;
    add_step(concat("decode ctx ", context),
             [=, this](BenchModel& model) { return decode_case(model, context, step_options_); });
  }
}

void BenchSuite::plan_prefill(int64_t tokens, int64_t depth) {
  if (depth + tokens * (depth == 0 ? 1 : step_options_.repetitions) > model_->config.max_position_embeddings)
    return;
  add_step(depth == 0 ? concat("prefill ", tokens) : concat("prefill ", tokens, " at ", depth),
           [=, this](BenchModel& model) { return prefill_case(model, tokens, depth, step_options_); });
}

void BenchSuite::plan_batch() {
  plan_decode({kShortContext});
  for (const int64_t tokens : {2, 4, 8})
    add_step(concat("pass M=", tokens),
             [=, this](BenchModel& model) { return pass_case(model, tokens, step_options_); });
  add_step("8 sequences", [this](BenchModel& model) { return batch_case(model, 8, step_options_); });
}

void BenchSuite::plan_load() {
  const int64_t context = std::min<int64_t>(kMemoryContext, model_->config.max_position_embeddings);
  add("memory above weights", [=, this] { return memory_case(system_io(), *model_, pool_, context); });
  if (options_.model.empty()) return;
  add("load", [this]() -> Result<std::unique_ptr<BenchCase>> {
    return load_case(system_io(), options_.model, pool_.size());
  });
}

Status BenchSuite::make_cases() {
  if (!options_.figure.empty()) {
    std::string names;
    for (const Planned& planned : planned_) names += concat(names.empty() ? "" : ", ", planned.name);
    const auto wanted = [&](const Planned& planned) { return planned.name == options_.figure; };
    if (std::ranges::none_of(planned_, wanted)) {
      return Status(StatusCode::kInvalidArgument,
                    concat("--figure: expected one of ", names, "; found \"", options_.figure, "\""));
    }
    // Others are compared with the first decode figure.
    std::erase_if(planned_, [&](const Planned& planned) {
      return !wanted(planned) && planned.name != concat("decode ctx ", kShortContext);
    });
  }
  for (const Planned& planned : planned_) {
    FATHOM_ASSIGN_OR_RETURN(BenchCases made, planned.make());
    std::ranges::move(made, std::back_inserter(cases_));
  }
  if (!cases_.empty()) return Status();
  return Status(StatusCode::kInvalidArgument,
                "bench: expected a model with room for the figures, found none");
}

BenchCase& BenchSuite::chosen() const noexcept {
  const auto found = std::ranges::find_if(
      cases_, [&](const auto& bench_case) { return bench_case->name() == options_.figure; });
  return found == cases_.end() ? *cases_.front() : **found;
}

}  // namespace fathom
