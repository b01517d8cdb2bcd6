// SPDX-License-Identifier: MIT
// Cases of loading and of memory (performance.md 2, P8 and P9).
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/human_units.h"
#include "config/state_bytes.h"
#include "engine/bench_model.h"
#include "engine/generator.h"
#include "engine/loaded_model.h"
#include "engine/model_memory.h"
#include "engine/random_context.h"
#include "io/process_memory.h"

namespace fathom {
namespace {

using SteadyClock = std::chrono::steady_clock;

// The goal: this and the time to rewrite what must be rewritten, which is nothing.
constexpr double kLoadSeconds = 1.0;

class LoadCase : public BenchCase {
 public:
  LoadCase(IoEnv& env, std::string model, int threads)
      : env_(env), model_(std::move(model)), threads_(threads) {}

  std::string name() const override { return "load"; }

  Result<BenchSample> measure() override {
    if (!warm_) {
      FATHOM_RETURN_IF_ERROR(first_token().status());
      warm_ = true;
    }
    FATHOM_ASSIGN_OR_RETURN(const double seconds, first_token());
    return BenchSample{.seconds = seconds};
  }

  BenchFigure figure(std::span<const BenchSample> samples, const BenchRecord&) const override {
    FigureRule rule{.unit = "s",
                    .value = [](const BenchSample& s) { return s.seconds; },
                    .limit = [](const BenchSample&) { return kLoadSeconds; }};
    BenchFigure figure = make_figure(name(), samples, rule);
    figure.note = "to the first token, files in the page cache";
    return figure;
  }

 private:
  Result<double> first_token() const {
    const auto start = SteadyClock::now();
    FATHOM_ASSIGN_OR_RETURN(const auto loaded, LoadedModel::open(env_, model_));
    FATHOM_ASSIGN_OR_RETURN(const auto generator, Generator::create(loaded->model(), {.threads = threads_}));
    Request request;
    request.prompt = {loaded->model().config.bos_token_id};
    request.max_tokens = 1;
    request.sampling.temperature = 0.0;
    FATHOM_RETURN_IF_ERROR(
        generator->generate(request, [](const GeneratedToken&) { return true; }, {}).status());
    return std::chrono::duration<double>(SteadyClock::now() - start).count();
  }

  IoEnv& env_;
  std::string model_;
  int threads_;
  bool warm_ = false;
};

class MemoryCase : public BenchCase {
 public:
  MemoryCase(IoEnv& env, const Model& model, ThreadPool& pool, int64_t context)
      : env_(env), model_(model), pool_(pool), context_(context) {}

  std::string name() const override { return "memory above weights"; }

  // Once, before other cases leave freed memory behind that would be used again.
  Status prepare() { return use_memory(); }

  // It counts bytes, not seconds.
  Result<BenchSample> measure() override {
    return BenchSample{.seconds = 1.0, .bytes = static_cast<double>(bytes_)};
  }

  BenchFigure figure(std::span<const BenchSample> samples, const BenchRecord&) const override {
    const auto planned = static_cast<double>(parts().activation_bytes + parts().state_bytes_per_sequence);
    FigureRule rule{.unit = "MB",
                    .value = [](const BenchSample& s) { return s.bytes / 1e6; },
                    .limit = [=](const BenchSample&) { return planned / 1e6; }};
    BenchFigure figure = make_figure(name(), samples.first(std::min<size_t>(1, samples.size())), rule);
    figure.note = "ctx " + with_commas(context_) + ", of it state " +
                  human_bytes(parts().state_bytes_per_sequence) + ", published " +
                  human_bytes(deployed_state_bytes(model_.config, context_));
    figure.best = {};
    return figure;
  }

 private:
  MemoryParts parts() const {
    return model_memory(model_.config, 0, context_,
                        {.batch_tokens = GeneratorOptions{}.batch_tokens, .threads = pool_.size()});
  }

  // What a generator holds, in use.
  Status use_memory() {
    const int64_t before = anonymous_resident_bytes(env_);
    const ActivationSizes sizes{
        .batch_tokens = GeneratorOptions{}.batch_tokens, .logit_rows = 1, .workers = pool_.size()};
    FATHOM_ASSIGN_OR_RETURN(auto acts, Activations::create(model_.config, sizes));
    FATHOM_ASSIGN_OR_RETURN(auto state,
                            SequenceState::create(model_.config, context_, RowPrecision::kPacked));
    fill_random_context(model_.config, context_ - 1, 1, state);
    const int32_t token = 0;
    const SequenceSpan span{&state, {&token, 1}, LogitsWanted::kLast};
    forward(model_, pool_, {}, {&span, 1}, acts);
    bytes_ = std::max<int64_t>(1, anonymous_resident_bytes(env_) - before);
    return Status();
  }

  IoEnv& env_;
  const Model& model_;
  ThreadPool& pool_;
  int64_t context_;
  int64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<BenchCase> load_case(IoEnv& env, std::string name, int threads) {
  return std::make_unique<LoadCase>(env, std::move(name), threads);
}

Result<std::unique_ptr<BenchCase>> memory_case(IoEnv& env, const Model& model, ThreadPool& pool,
                                               int64_t context) {
  auto memory = std::make_unique<MemoryCase>(env, model, pool, context);
  FATHOM_RETURN_IF_ERROR(memory->prepare());
  return std::unique_ptr<BenchCase>(std::move(memory));
}

}  // namespace fathom
