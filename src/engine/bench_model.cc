// SPDX-License-Identifier: MIT
#include "engine/bench_model.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "base/concat.h"
#include "base/counter_rng.h"
#include "engine/random_context.h"
#include "engine/step_cost.h"

namespace fathom {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int64_t kMaxStepsPerMeasurement = 64;

// By Stage.
constexpr std::array<const char*, kStageCount> kPartNames = {"other",  "hyper-connections", "projections",
                                                             "rows",   "index scan",        "attention",
                                                             "router", "experts",           "head"};

// The average of one part list after the other, for equal lists.
void add_parts(std::vector<BenchPart>& sum, const std::vector<BenchPart>& parts) {
  if (sum.empty()) sum.resize(parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    sum[i].name = parts[i].name;
    sum[i].seconds += parts[i].seconds;
    sum[i].bytes += parts[i].bytes;
    sum[i].barriers += parts[i].barriers;
  }
}

std::vector<BenchPart> mean_parts(std::vector<BenchPart> sum, size_t count) {
  for (BenchPart& part : sum) {
    part.seconds /= static_cast<double>(count);
    part.bytes /= static_cast<double>(count);
    part.barriers /= static_cast<double>(count);
  }
  return sum;
}

double tokens_per_second(const BenchSample& sample, int64_t tokens) noexcept {
  return static_cast<double>(tokens) / sample.seconds;
}

// Several sequences, each advanced by the same number of random tokens a step.
class StepCase : public BenchCase {
 public:
  struct Shape {
    int64_t sequences = 1;
    int64_t tokens = 1;  // of each sequence in a step
    int64_t context = 0;
    LogitsWanted logits = LogitsWanted::kLast;
  };

  StepCase(BenchModel& model, const Shape& shape, const StepBenchOptions& options)
      : model_(model), shape_(shape), options_(options) {}

  // Fills the states and finds out how many steps make one measurement.
  Status prepare() {
    const ModelConfig& config = model_.model().config;
    for (int64_t i = 0; i < shape_.sequences; ++i) {
      FATHOM_ASSIGN_OR_RETURN(auto state, SequenceState::create(config, shape_.context + 2 * shape_.tokens,
                                                                RowPrecision::kPacked));
      fill_random_context(config, shape_.context, static_cast<uint64_t>(options_.seed + i), state);
      states_.push_back(std::move(state));
    }
    step();  // the first touch of everything
    const double seconds = step().seconds;
    steps_ = std::clamp<int64_t>(static_cast<int64_t>(options_.seconds / std::max(seconds, 1e-9)), 1,
                                 kMaxStepsPerMeasurement);
    return Status();
  }

  Result<BenchSample> measure() override {
    for (SequenceState& state : states_)
      FATHOM_RETURN_IF_ERROR(state.reserve(state.position() + steps_ * shape_.tokens));
    model_.take_parts();
    BenchSample sum;
    for (int64_t i = 0; i < steps_; ++i) {
      const BenchSample one = step();
      sum.seconds += one.seconds;
      sum.bytes += one.bytes;
      sum.flops += one.flops;
    }
    add_parts(parts_, model_.take_parts());
    const auto steps = static_cast<double>(steps_);
    return BenchSample{sum.seconds / steps, sum.bytes / steps, sum.flops / steps};
  }

 protected:
  const Shape& shape() const noexcept { return shape_; }
  std::vector<BenchPart> parts(size_t measurements) const { return mean_parts(parts_, measurements); }
  const Model& model() const noexcept { return model_.model(); }

 private:
  BenchSample step() {
    const auto vocab = static_cast<uint64_t>(model().config.vocab_size);
    tokens_.resize(static_cast<size_t>(shape_.sequences * shape_.tokens));
    for (int32_t& token : tokens_)
      token = static_cast<int32_t>(random_bits(static_cast<uint64_t>(options_.seed) + 17, drawn_++) % vocab);
    std::vector<SequenceSpan> spans;
    for (int64_t i = 0; i < shape_.sequences; ++i) {
      spans.push_back({&states_[i],
                       std::span(tokens_).subspan(static_cast<size_t>(i * shape_.tokens),
                                                  static_cast<size_t>(shape_.tokens)),
                       shape_.logits});
    }
    return model_.run_step(spans);
  }

  BenchModel& model_;
  Shape shape_;
  StepBenchOptions options_;
  std::vector<SequenceState> states_;
  std::vector<int32_t> tokens_;
  uint64_t drawn_ = 0;
  std::vector<BenchPart> parts_;  // sum over the measurements
  int64_t steps_ = 1;
};

std::string decode_name(int64_t context) { return concat("decode ctx ", context); }

// Tokens per second against what the bandwidth allows.
BenchFigure bandwidth_figure(std::string name, std::span<const BenchSample> samples, int64_t tokens,
                             const BenchRecord& record) {
  FigureRule rule{.unit = "tok/s", .value = {}, .limit = {}};
  rule.value = [=](const BenchSample& s) { return tokens_per_second(s, tokens); };
  rule.limit = [&](const BenchSample& s) {
    return record.limits.read_bytes_per_second / s.bytes * static_cast<double>(tokens);
  };
  return make_figure(std::move(name), samples, rule);
}

class DecodeCase : public StepCase {
 public:
  using StepCase::StepCase;
  std::string name() const override { return decode_name(shape().context); }
  BenchFigure figure(std::span<const BenchSample> samples, const BenchRecord& record) const override {
    BenchFigure figure = bandwidth_figure(name(), samples, 1, record);
    char note[96];
    int length = std::snprintf(note, sizeof note, "%.3f GB/token", figure.best.bytes / 1e9);
    const double shortest = record.best(decode_name(kShortContext)).seconds;
    if (shape().context > kShortContext && shortest > 0.0)
      std::snprintf(note + length, sizeof note - static_cast<size_t>(length), ", %.2f of ctx %d",
                    shortest / figure.best.seconds, static_cast<int>(kShortContext));
    figure.note = note;
    figure.parts = parts(samples.size());
    return figure;
  }
};

class PassCase : public StepCase {
 public:
  using StepCase::StepCase;
  std::string name() const override { return concat("pass M=", shape().tokens); }
  BenchFigure figure(std::span<const BenchSample> samples, const BenchRecord& record) const override {
    const BenchSample one = record.best(decode_name(kShortContext));
    FigureRule rule{.unit = "ms", .value = {}, .limit = {}};
    rule.value = [](const BenchSample& s) { return 1e3 * s.seconds; };
    rule.limit = [&](const BenchSample& s) {
      return one.bytes > 0.0 ? 1e3 * one.seconds * s.bytes / one.bytes : 0.0;
    };
    BenchFigure figure = make_figure(name(), samples, rule);
    char note[96];
    std::snprintf(note, sizeof note, "x the byte ratio %.2f; %.2f x M=1",
                  figure.best.bytes / std::max(one.bytes, 1.0),
                  figure.best.seconds / std::max(one.seconds, 1e-12));
    figure.note = note;
    figure.parts = parts(samples.size());
    return figure;
  }
};

class BatchCase : public StepCase {
 public:
  using StepCase::StepCase;
  std::string name() const override { return concat(shape().sequences, " sequences"); }
  BenchFigure figure(std::span<const BenchSample> samples, const BenchRecord& record) const override {
    BenchFigure figure = bandwidth_figure(name(), samples, shape().sequences, record);
    const double one = record.best(decode_name(kShortContext)).seconds;
    const ModelConfig& config = model().config;
    char note[96];
    std::snprintf(
        note, sizeof note, "%.3f GB/step, %.1f of %d experts expected a layer, gain %.2f",
        figure.best.bytes / 1e9,
        expected_distinct_experts(config.n_routed_experts, config.num_experts_per_tok, shape().sequences),
        config.n_routed_experts,
        static_cast<double>(shape().sequences) * one / std::max(figure.best.seconds, 1e-12));
    figure.note = note;
    figure.parts = parts(samples.size());
    return figure;
  }
};

class PrefillCase : public BenchCase {
 public:
  PrefillCase(BenchModel& model, int64_t tokens, int64_t depth, const StepBenchOptions& options,
              SequenceState state)
      : model_(model), tokens_(static_cast<size_t>(tokens)), depth_(depth), state_(std::move(state)) {
    const auto vocab = static_cast<uint64_t>(model.model().config.vocab_size);
    for (size_t i = 0; i < tokens_.size(); ++i)
      tokens_[i] = static_cast<int32_t>(random_bits(static_cast<uint64_t>(options.seed), i) % vocab);
    fill_random_context(model.model().config, depth, static_cast<uint64_t>(options.seed), state_);
  }

  std::string name() const override { return name_at(depth_); }

  // From an empty state when the depth is 0; at depth each measurement goes on where the last one ended.
  Result<BenchSample> measure() override {
    if (depth_ == 0) state_.clear();
    FATHOM_RETURN_IF_ERROR(state_.reserve(state_.position() + static_cast<int64_t>(tokens_.size())));
    model_.take_parts();
    BenchSample sum;
    int64_t chunks = 0;
    for (std::span<const int32_t> rest = tokens_; !rest.empty();) {
      const size_t chunk = std::min(rest.size(), static_cast<size_t>(model_.batch_tokens()));
      const SequenceSpan span{&state_, rest.first(chunk),
                              chunk == rest.size() ? LogitsWanted::kLast : LogitsWanted::kNone};
      const BenchSample one = model_.run_step({&span, 1});
      sum.seconds += one.seconds;
      sum.bytes += one.bytes;
      sum.flops += one.flops;
      rest = rest.subspan(chunk);
      ++chunks;
    }
    std::vector<BenchPart> parts = model_.take_parts();
    for (BenchPart& part : parts) {
      part.seconds *= static_cast<double>(chunks);
      part.bytes *= static_cast<double>(chunks);
      part.barriers *= static_cast<double>(chunks);
    }
    add_parts(parts_, parts);
    return sum;
  }

  BenchFigure figure(std::span<const BenchSample> samples, const BenchRecord& record) const override {
    const auto tokens = static_cast<int64_t>(tokens_.size());
    const double peak = record.limits.exact_peak(record.tier);
    FigureRule rule{.unit = "tok/s", .value = {}, .limit = {}};
    rule.value = [=](const BenchSample& s) { return tokens_per_second(s, tokens); };
    rule.limit = [=](const BenchSample& s) { return peak / s.flops * static_cast<double>(tokens); };
    BenchFigure figure = make_figure(name(), samples, rule);
    char note[96];
    const int length =
        std::snprintf(note, sizeof note, "%.0f GFLOP/s", figure.best.flops / figure.best.seconds / 1e9);
    const double shallow = record.best(name_at(0)).seconds;
    if (depth_ > 0 && shallow > 0.0)
      std::snprintf(note + length, sizeof note - static_cast<size_t>(length), ", %.2f of depth 0",
                    shallow / figure.best.seconds);
    figure.note = note;
    figure.parts = mean_parts(parts_, samples.size());
    return figure;
  }

 private:
  std::string name_at(int64_t depth) const {
    return depth == 0 ? concat("prefill ", tokens_.size())
                      : concat("prefill ", tokens_.size(), " at ", depth);
  }

  BenchModel& model_;
  std::vector<int32_t> tokens_;
  int64_t depth_;
  SequenceState state_;
  std::vector<BenchPart> parts_;  // sum over the measurements
};

template <typename Case>
Result<std::unique_ptr<BenchCase>> prepared(BenchModel& model, const StepCase::Shape& shape,
                                            const StepBenchOptions& options) {
  auto made = std::make_unique<Case>(model, shape, options);
  FATHOM_RETURN_IF_ERROR(made->prepare());
  return std::unique_ptr<BenchCase>(std::move(made));
}

}  // namespace

BenchModel::BenchModel(const Model& model, ThreadPool& pool, Activations acts)
    : model_(model),
      pool_(pool),
      acts_(std::move(acts)),
      clock_(pool),
      seen_(static_cast<size_t>(model.config.n_routed_experts)) {
  options_.observer = [this](int layer, const Activations& step) {
    if (layer >= 0) expert_reads_ += count_expert_reads(step);
  };
}

Result<std::unique_ptr<BenchModel>> BenchModel::create(const Model& model, ThreadPool& pool,
                                                       int64_t batch_tokens) {
  const ActivationSizes sizes{
      .batch_tokens = std::max(batch_tokens, kLogitRows), .logit_rows = kLogitRows, .workers = pool.size()};
  FATHOM_ASSIGN_OR_RETURN(auto acts, Activations::create(model.config, sizes));
  return std::unique_ptr<BenchModel>(new BenchModel(model, pool, std::move(acts)));
}

int64_t BenchModel::count_expert_reads(const Activations& acts) {
  std::ranges::fill(seen_, uint8_t{0});
  for (int64_t row = 0; row < rows_; ++row) {
    for (const Route& route : acts.moe.routes.view().row_span(row)) seen_[route.expert] = 1;
  }
  return std::ranges::count(seen_, uint8_t{1});
}

BenchSample BenchModel::run_step(std::span<const SequenceSpan> spans) {
  std::vector<SpanShape> shapes;
  rows_ = 0;
  expert_reads_ = 0;
  for (const SequenceSpan& span : spans) {
    const auto tokens = static_cast<int64_t>(span.tokens.size());
    const int64_t logit_rows = span.logits == LogitsWanted::kAll    ? tokens
                               : span.logits == LogitsWanted::kLast ? 1
                                                                    : 0;
    shapes.push_back({span.state->position(), tokens, logit_rows});
    rows_ += tokens;
  }
  const auto start = SteadyClock::now();
  forward(model_, pool_, options_, spans, acts_);
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  const StepCost cost = step_cost(model_.config, stored_formats(model_.weights), shapes, expert_reads_);
  if (options_.clock != nullptr) {
    for (size_t i = 0; i < cost.bytes.size(); ++i) profiled_cost_.bytes[i] += cost.bytes[i];
    profiled_seconds_ += seconds;
    ++profiled_steps_;
  }
  return {seconds, cost.total_bytes(), cost.flops};
}

void BenchModel::start_profile() noexcept {
  pool_.set_wait_times(WaitTimes::kMeasure);
  options_.clock = &clock_;
}

std::vector<BenchPart> BenchModel::take_parts() {
  std::vector<BenchPart> parts;
  if (profiled_steps_ > 0) {
    const auto steps = static_cast<double>(profiled_steps_);
    const StageTimes& times = clock_.times();
    double seen = times.waits;
    for (size_t i = 0; i < times.seconds.size(); ++i) {
      parts.push_back({kPartNames[i], times.seconds[i] / steps, profiled_cost_.bytes[i] / steps, 0.0});
      seen += times.seconds[i];
    }
    parts.push_back({"barriers and waits", times.waits / steps, 0.0, times.barriers / steps});
    parts.push_back({"not seen", (profiled_seconds_ - seen) / steps, 0.0, 0.0});
  }
  clock_.clear();
  profiled_cost_ = {};
  profiled_seconds_ = 0.0;
  profiled_steps_ = 0;
  return parts;
}

Result<std::unique_ptr<BenchCase>> decode_case(BenchModel& model, int64_t context,
                                               const StepBenchOptions& options) {
  return prepared<DecodeCase>(model, {.context = context}, options);
}

Result<std::unique_ptr<BenchCase>> pass_case(BenchModel& model, int64_t tokens,
                                             const StepBenchOptions& options) {
  FATHOM_CHECK(tokens <= BenchModel::kLogitRows);
  return prepared<PassCase>(model, {.tokens = tokens, .context = kShortContext, .logits = LogitsWanted::kAll},
                            options);
}

Result<std::unique_ptr<BenchCase>> batch_case(BenchModel& model, int64_t sequences,
                                              const StepBenchOptions& options) {
  FATHOM_CHECK(sequences <= BenchModel::kLogitRows);
  return prepared<BatchCase>(model, {.sequences = sequences, .context = kShortContext}, options);
}

Result<std::unique_ptr<BenchCase>> prefill_case(BenchModel& model, int64_t tokens, int64_t depth,
                                                const StepBenchOptions& options) {
  FATHOM_ASSIGN_OR_RETURN(auto state,
                          SequenceState::create(model.model().config, depth, RowPrecision::kPacked));
  return std::unique_ptr<BenchCase>(
      std::make_unique<PrefillCase>(model, tokens, depth, options, std::move(state)));
}

}  // namespace fathom
