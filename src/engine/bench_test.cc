// SPDX-License-Identifier: MIT
#include "engine/bench.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/bench_kernels.h"
#include "engine/bench_model.h"
#include "engine/synthetic_model.h"

namespace fathom {
namespace {

// Says when it was called; sample i takes seconds[i].
class ScriptedCase : public BenchCase {
 public:
  ScriptedCase(std::string name, std::vector<double> seconds, std::vector<std::string>& calls)
      : name_(std::move(name)), seconds_(std::move(seconds)), calls_(calls) {}
  std::string name() const override { return name_; }
  Result<BenchSample> measure() override {
    calls_.push_back(name_);
    return BenchSample{.seconds = seconds_[next_++], .bytes = 10.0};
  }
  BenchFigure figure(std::span<const BenchSample> samples, const BenchRecord&) const override {
    return make_figure(name_, samples,
                       {.unit = "B/s",
                        .value = [](const BenchSample& s) { return s.bytes / s.seconds; },
                        .limit = [](const BenchSample&) { return 10.0; }});
  }

 private:
  std::string name_;
  std::vector<double> seconds_;
  std::vector<std::string>& calls_;
  size_t next_ = 0;
};

LimitProbe small_probe() { return std::move(LimitProbe::create("generic", int64_t{1} << 20)).value(); }

TEST(Bench, CasesTakeTurnsAndTheBestRepetitionIsTheFigure) {
  std::vector<std::string> calls;
  std::vector<std::unique_ptr<BenchCase>> cases;
  cases.push_back(std::make_unique<ScriptedCase>("a", std::vector{2.0, 1.25, 4.0}, calls));
  cases.push_back(std::make_unique<ScriptedCase>("b", std::vector{1.0, 1.0, 1.0}, calls));
  auto pool = ThreadPool::create(1);
  LimitProbe probe = small_probe();
  const auto report =
      run_bench(cases, {.tier = "generic", .repetitions = 3, .limit_samples = 1}, probe, **pool);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(calls, (std::vector<std::string>{"a", "b", "a", "b", "a", "b"}));
  const BenchFigure& a = report->figures[0];
  EXPECT_EQ(a.value, 8.0);
  EXPECT_EQ(a.ratio, 0.8);
  EXPECT_EQ(a.low, 0.25);
  EXPECT_EQ(a.high, 0.8);
  EXPECT_EQ(a.repetitions, 3);
  EXPECT_EQ(report->record.best("a").seconds, 1.25);
  EXPECT_EQ(report->record.best("c").seconds, 0.0);
  EXPECT_GT(report->record.limits.read_bytes_per_second, 0.0);
  EXPECT_GE(report->record.limits.read_bytes_per_second, report->record.after.read_bytes_per_second);
}

TEST(Bench, ModelCasesMeasureWhatTheyCount) {
  auto pool = ThreadPool::create(2);
  const auto synthetic = SyntheticModel::make("tiny", 1, **pool);
  ASSERT_TRUE(synthetic.ok());
  const Model& model = (*synthetic)->loaded().model();
  const auto bench = BenchModel::create(model, **pool, 64);
  ASSERT_TRUE(bench.ok());
  const StepBenchOptions options{.repetitions = 2, .seconds = 0.001};
  const auto decode = decode_case(**bench, 64, options);
  const auto deep = decode_case(**bench, 1000, options);
  const auto pass = pass_case(**bench, 8, options);
  const auto batch = batch_case(**bench, 8, options);
  const auto prefill = prefill_case(**bench, 150, 0, options);  // three chunks
  for (const auto* made : {&decode, &deep, &pass, &batch, &prefill}) ASSERT_TRUE(made->ok());
  const BenchSample one = (*decode)->measure().value();
  EXPECT_GT(one.seconds, 0.0);
  EXPECT_GT((*deep)->measure()->bytes, one.bytes);
  // 8 tokens choose more than 2 and at most all 8 experts of each of 5 layers; an expert has 52,224 bytes.
  const BenchSample eight = (*pass)->measure().value();
  EXPECT_GT(eight.bytes, one.bytes + 5 * 52224.0);
  EXPECT_LE(eight.bytes, one.bytes + 5 * 6 * 52224.0 + 1e5);
  EXPECT_GT((*batch)->measure()->bytes, one.bytes);
  const BenchSample many = (*prefill)->measure().value();
  EXPECT_GT(many.flops, 140 * one.flops / 2);
  EXPECT_EQ((*prefill)->measure()->flops, many.flops);  // from an empty state each time
  EXPECT_EQ((*deep)->name(), "decode ctx 1000");
  EXPECT_EQ((*pass)->name(), "pass M=8");
  EXPECT_EQ((*batch)->name(), "8 sequences");
  EXPECT_EQ((*prefill)->name(), "prefill 150");
}

TEST(Bench, MatricesOfEveryFormatAreMeasuredAtEveryM) {
  auto pool = ThreadPool::create(1);
  const auto cases = kernel_cases({.seconds = 0.0, .weight_bytes = 1 << 20, .rows = {1, 3}}, **pool);
  ASSERT_TRUE(cases.ok());
  ASSERT_EQ(cases->size(), 6);
  for (const auto& made : *cases) {
    const auto sample = made->measure();
    ASSERT_TRUE(sample.ok());
    EXPECT_GT(sample->seconds, 0.0);
    EXPECT_NEAR(sample->bytes, 1 << 20, 1 << 19) << made->name();
  }
  EXPECT_EQ(cases->at(0)->name(), "fp8 matrix M=1");
  EXPECT_EQ(cases->at(5)->name(), "bf16 matrix M=3");
  EXPECT_EQ(cases->at(5)->measure()->flops, 3 * cases->at(4)->measure()->flops);
}

}  // namespace
}  // namespace fathom
