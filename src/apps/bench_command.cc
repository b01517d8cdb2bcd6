// SPDX-License-Identifier: MIT
// `fathom bench`: speed next to the machine's own limits, measured in the same run (conformance.md;
// performance.md).
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "apps/bench_output.h"
#include "apps/commands.h"
#include "apps/other_program.h"
#include "apps/standard_streams.h"
#include "apps/version.h"
#include "base/concat.h"
#include "engine/bench_suite.h"
#include "engine/compute.h"
#include "io/system_memory.h"

namespace fathom {
namespace {

// At least this many pairs in a comparison with another program (performance.md 4.2).
constexpr int kMinPairs = 5;
// Above the caches of small machines: enough to see that everything works.
constexpr int64_t kQuickBufferBytes = int64_t{64} << 20;

double load_average() noexcept {
  double minutes[1] = {0.0};
  return ::getloadavg(minutes, 1) == 1 ? minutes[0] : 0.0;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

// Words are groups of figures; the one that is not is the model.
Result<BenchSuiteOptions> suite_options(const BenchCommand& command) {
  BenchSuiteOptions options;
  options.preset = command.preset;
  options.figure = command.figure;
  options.profile = command.profile;
  options.effort = command.quick ? BenchEffort::kQuick : BenchEffort::kFull;
  for (const std::string& word : command.words) {
    if (const auto group = bench_group(word)) {
      options.groups.push_back(*group);
    } else if (options.model.empty()) {
      options.model = word;
    } else {
      return Status(
          StatusCode::kInvalidArgument,
          concat("bench: expected limits, kernels, decode, prefill, batch, long, load and one MODEL, found ",
                 options.model, " and ", word));
    }
  }
  return options;
}

// Adds to a history; its head when the file is new.
Status append_csv(const std::string& path, const BenchReport& report, const BenchRunFacts& facts) {
  const Result<std::string> old = read_input(path);
  if (!old.ok() && old.status().code() != StatusCode::kNotFound) return old.status();
  const std::string before = old.ok() ? *old : "";
  return write_output(path, before + bench_csv(report, facts, before.empty() ? CsvHead::kYes : CsvHead::kNo));
}

Status write_results(const BenchCommand& command, const BenchReport& report, const BenchRunFacts& facts) {
  if (!command.csv.empty()) {
    FATHOM_RETURN_IF_ERROR(append_csv(command.csv, report, facts));
  }
  if (!command.svg.empty()) {
    FATHOM_RETURN_IF_ERROR(write_output(command.svg, roofline_svg(report, facts)));
  }
  return write_stdout(command.json ? bench_json(report, facts) : bench_table(report, facts));
}

}  // namespace

Status run_bench_command(const BenchCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(const BenchSuiteOptions options, suite_options(command));
  FATHOM_ASSIGN_OR_RETURN(const Compute compute,
                          configure_compute(command.compute.isa, command.compute.threads));
  BenchRunFacts facts;
  facts.tier = compute.tier;
  facts.threads = compute.threads;
  facts.commit = commit_text();
  facts.model = options.preset.empty() ? options.model : options.preset;
  facts.load_before = load_average();
  facts.time = utc_now();
  FATHOM_ASSIGN_OR_RETURN(const auto pool, ThreadPool::create(compute.threads));
  const int64_t buffer = command.quick ? kQuickBufferBytes : system_memory_bytes(system_io()) / 8;
  FATHOM_ASSIGN_OR_RETURN(LimitProbe probe, LimitProbe::create(compute.tier, buffer));
  FATHOM_ASSIGN_OR_RETURN(const auto suite, BenchSuite::create(options, probe, *pool));
  BenchRun run{
      .tier = compute.tier, .repetitions = suite->repetitions(), .limit_samples = suite->repetitions()};
  if (!command.json) {
    run.progress = [](std::string_view what) {
      std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(what.size()), what.data());
    };
  }
  FATHOM_ASSIGN_OR_RETURN(BenchReport report, run_bench(suite->cases(), run, probe, *pool));
  if (!command.against.empty()) {
    const int pairs = command.quick ? suite->repetitions() : kMinPairs;
    FATHOM_ASSIGN_OR_RETURN(BenchFigure figure,
                            compare_with(suite->chosen(), command.against, pairs, report.record));
    report.figures.push_back(std::move(figure));
  }
  facts.load_after = load_average();
  return write_results(command, report, facts);
}

}  // namespace fathom
