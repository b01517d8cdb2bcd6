// SPDX-License-Identifier: MIT
// Measuring the engine next to the limits of its machine (performance.md 2, 4, 5; conformance.md `fathom
// bench`).
//
// A case measures one thing once at a call; run_bench calls all cases in turn, several times, and the limits
// of the machine in between, so that a neighbour who comes or goes meets all of them. Values only; printing
// is the command's. One thread, with its pool.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "ops/limits.h"

namespace fathom {

// One measurement of a case.
struct BenchSample {
  double seconds = 0.0;  // of one step
  double bytes = 0.0;    // the step must read
  double flops = 0.0;    // it must compute
};

// A part of a step: what its time goes to.
struct BenchPart {
  std::string name;
  double seconds = 0.0;
  double bytes = 0.0;     // 0: reads nothing worth counting
  double barriers = 0.0;  // 0: not counted
};

// A line of the result. A case that has no limit has limit 0 and ratio 0.
struct BenchFigure {
  std::string name;
  double value = 0.0;  // best repetition
  std::string unit;
  double limit = 0.0;  // in the same unit
  double ratio = 0.0;  // value / limit
  double low = 0.0;    // the ratio over all repetitions
  double high = 0.0;
  int repetitions = 0;
  std::string note;
  BenchSample best;
  std::vector<BenchPart> parts;  // of a step, on average over all repetitions; empty unless asked for
};

// What figures are made from: limits of the run and the samples of all cases.
class BenchRecord;

class BenchCase {
 public:
  virtual ~BenchCase() = default;
  virtual std::string name() const = 0;
  virtual Result<BenchSample> measure() = 0;
  virtual BenchFigure figure(std::span<const BenchSample> samples, const BenchRecord& record) const = 0;
};

class BenchRecord {
 public:
  struct Entry {
    std::string name;
    std::vector<BenchSample> samples;
  };

  // The fastest sample of a case; all zeros for one that was not measured.
  BenchSample best(std::string_view name) const;

  std::string tier;
  MachineLimits before, after;  // each the best of several samples
  MachineLimits limits;         // the best of the whole run
  std::vector<Entry> entries;
};

struct BenchReport {
  BenchRecord record;
  std::vector<BenchFigure> figures;
};

struct BenchRun {
  std::string tier;
  int repetitions = 5;
  int limit_samples = 5;                                                     // before and after
  std::function<void(std::string_view)> progress = [](std::string_view) {};  // what is being measured
};

// The first error of a case ends the run.
Result<BenchReport> run_bench(std::span<const std::unique_ptr<BenchCase>> cases, const BenchRun& run,
                              LimitProbe& probe, ThreadPool& pool);

// For the cases' own use. ------------------------------------------------------------------------

// The fastest of some samples, by seconds.
BenchSample fastest(std::span<const BenchSample> samples);

// A figure whose value and limit are functions of a sample; the fastest sample is the figure.
struct FigureRule {
  std::string unit;
  std::function<double(const BenchSample&)> value;
  std::function<double(const BenchSample&)> limit;
};
BenchFigure make_figure(std::string name, std::span<const BenchSample> samples, const FigureRule& rule);

}  // namespace fathom
