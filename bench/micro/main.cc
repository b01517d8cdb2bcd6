// SPDX-License-Identifier: MIT
// Micro benchmarks of every kernel on every tier that runs here, one thread, next to what the machine can do
// at most (docs/performance.md 7).
//
// usage: micro [--smoke] [--benchmark_filter=REGEX] [--benchmark_repetitions=N] ...
//
// Names are kernel/tier/shape. The roof of a case is the longer of its bytes at the measured read bandwidth
// and its operations at the measured peak of its unit, both of one thread, measured at the start.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "base/concat.h"
#include "base/cpu_cache.h"
#include "bench/micro/micro.h"
#include "ops/limits.h"

namespace fathom::micro {
namespace {

constexpr int kLimitSamples = 3;

// Bytes and operations a second of one thread at the registers of a tier.
struct Roof {
  double bytes = 0.0;
  std::map<std::string, double> operations;
};

Roof measure_roof(const char* tier, ThreadPool& pool) {
  Roof roof;
  auto probe = LimitProbe::create(tier, int64_t{1} << 30);
  FATHOM_CHECK(probe.ok());
  for (int i = 0; i < kLimitSamples; ++i) {
    const MachineLimits limits = probe->measure(pool);
    roof.bytes = std::max(roof.bytes, limits.read_bytes_per_second);
    for (const UnitRate& rate : limits.units)
      roof.operations[rate.unit] = std::max(roof.operations[rate.unit], rate.operations_per_second);
  }
  return roof;
}

// Operations a second that bound a kernel; a tier without the unit falls back to f32.
double peak_of(const Roof& roof, Unit unit) {
  const char* name = unit == Unit::kInt8 ? "int8" : unit == Unit::kBf16 ? "bf16" : "fp32";
  const auto found = roof.operations.find(name);
  return found != roof.operations.end() ? found->second : roof.operations.at("fp32");
}

// One line a case, from the median of its repetitions.
class TableReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override {
    std::printf("%-14s %-12s %-24s %12s %8s %9s %6s\n", "kernel", "tier", "shape", "median us", "GB/s",
                "GFLOP/s", "roof");
    return true;
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.aggregate_name == "median" || (run.repetitions == 1 && run.run_type == Run::RT_Iteration))
        print(run);
    }
  }

 private:
  static void print(const Run& run) {
    const std::string& name = run.run_name.function_name;
    const size_t first = name.find('/');
    const size_t second = name.find('/', first + 1);
    const double seconds = run.GetAdjustedRealTime() / benchmark::GetTimeUnitMultiplier(run.time_unit);
    const auto counter = [&](const char* key) { return run.counters.at(key).value; };
    std::printf("%-14s %-12s %-24s %12.2f %8.1f %9.1f %6.2f\n", name.substr(0, first).c_str(),
                name.substr(first + 1, second - first - 1).c_str(), name.substr(second + 1).c_str(),
                1e6 * seconds, counter("bytes") / seconds / 1e9, counter("flops") / seconds / 1e9,
                counter("roof_seconds") / seconds);
  }
};

void add_tier(const KernelTable& table, const Settings& settings, const Roof& roof) {
  const AddCase add = [&table, &roof](Case c) {
    const double least = std::max(c.bytes / roof.bytes, c.flops / peak_of(roof, c.unit));
    const std::string name = concat(c.kernel, "/", table.name, "/", c.shape);
    auto* made =
        benchmark::RegisterBenchmark(name.c_str(), [c = std::move(c), least](benchmark::State& state) {
          for (auto _ : state) c.run();
          state.counters["bytes"] = c.bytes;
          state.counters["flops"] = c.flops;
          state.counters["roof_seconds"] = least;
        });
    made->UseRealTime()->Unit(benchmark::kMicrosecond);
  };
  add_attention_cases(table, settings, add);
  add_linear_cases(table, settings, add);
  add_row_cases(table, settings, add);
}

int run(std::vector<char*> arguments) {
  const auto smoke =
      std::ranges::find(arguments, std::string_view("--smoke"), [](char* a) { return std::string_view(a); });
  const bool is_smoke = smoke != arguments.end();
  std::string short_time = "--benchmark_min_time=0.0";
  std::string repetitions = "--benchmark_repetitions=5";
  if (is_smoke) {
    *smoke = short_time.data();
  } else {
    arguments.insert(arguments.begin() + 1, repetitions.data());
  }
  auto count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  const Settings settings =
      is_smoke ? Settings{.buffer_bytes = int64_t{1} << 20, .largest_rows = 8}
               : Settings{.buffer_bytes = std::max(4 * last_cache_bytes(), int64_t{128} << 20),
                          .largest_rows = 512};
  auto pool = ThreadPool::create(1);
  FATHOM_CHECK(pool.ok());
  std::map<std::string, Roof> roofs;
  for (const TierInfo& tier : kernel_tiers()) {
    if (!tier.missing.empty()) continue;
    Roof& roof = roofs[tier.table->name];
    roof = measure_roof(tier.table->name, **pool);
    add_tier(*tier.table, settings, roof);
  }
  TableReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}

}  // namespace
}  // namespace fathom::micro

int main(int argc, char** argv) { return fathom::micro::run({argv, argv + argc}); }
