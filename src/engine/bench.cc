// SPDX-License-Identifier: MIT
#include "engine/bench.h"

#include <algorithm>

namespace fathom {
namespace {

MachineLimits best_limits(LimitProbe& probe, ThreadPool& pool, int samples) {
  MachineLimits best;
  for (int i = 0; i < samples; ++i) best.keep_best(probe.measure(pool));
  return best;
}

}  // namespace

BenchSample fastest(std::span<const BenchSample> samples) {
  const auto found = std::ranges::min_element(samples, {}, &BenchSample::seconds);
  return found == samples.end() ? BenchSample{} : *found;
}

BenchSample BenchRecord::best(std::string_view name) const {
  const auto found = std::ranges::find(entries, name, &Entry::name);
  return found == entries.end() ? BenchSample{} : fastest(found->samples);
}

BenchFigure make_figure(std::string name, std::span<const BenchSample> samples, const FigureRule& rule) {
  BenchFigure figure;
  figure.name = std::move(name);
  figure.unit = rule.unit;
  figure.repetitions = static_cast<int>(samples.size());
  figure.best = fastest(samples);
  figure.value = rule.value(figure.best);
  figure.limit = rule.limit(figure.best);
  const auto ratio = [&](const BenchSample& sample) {
    const double limit = rule.limit(sample);
    return limit > 0.0 ? rule.value(sample) / limit : 0.0;
  };
  figure.ratio = figure.low = figure.high = ratio(figure.best);
  for (const BenchSample& sample : samples) {
    figure.low = std::min(figure.low, ratio(sample));
    figure.high = std::max(figure.high, ratio(sample));
  }
  return figure;
}

Result<BenchReport> run_bench(std::span<const std::unique_ptr<BenchCase>> cases, const BenchRun& run,
                              LimitProbe& probe, ThreadPool& pool) {
  BenchReport report;
  BenchRecord& record = report.record;
  record.tier = run.tier;
  run.progress("limits");
  record.before = record.limits = best_limits(probe, pool, run.limit_samples);
  for (const auto& bench_case : cases) record.entries.push_back({bench_case->name(), {}});
  for (int repetition = 0; repetition < run.repetitions; ++repetition) {
    for (size_t i = 0; i < cases.size(); ++i) {
      run.progress(record.entries[i].name);
      FATHOM_ASSIGN_OR_RETURN(const BenchSample sample, cases[i]->measure());
      record.entries[i].samples.push_back(sample);
      record.limits.keep_best(probe.measure(pool));
    }
  }
  run.progress("limits");
  record.after = best_limits(probe, pool, run.limit_samples);
  record.limits.keep_best(record.after);
  for (size_t i = 0; i < cases.size(); ++i) {
    report.figures.push_back(cases[i]->figure(record.entries[i].samples, record));
  }
  return report;
}

}  // namespace fathom
