// SPDX-License-Identifier: MIT
#include "engine/bench_limits.h"

#include "base/concat.h"

namespace fathom {
namespace {

class ReadCase : public BenchCase {
 public:
  ReadCase(LimitProbe& probe, std::unique_ptr<ThreadPool> pool) : probe_(probe), pool_(std::move(pool)) {}

  std::string name() const override { return read_case_name(pool_->size()); }

  Result<BenchSample> measure() override {
    const auto bytes = static_cast<double>(probe_.buffer_bytes());
    return BenchSample{.seconds = bytes / probe_.measure_read(*pool_), .bytes = bytes};
  }

  BenchFigure figure(std::span<const BenchSample> samples, const BenchRecord& record) const override {
    const double all = record.limits.read_bytes_per_second;
    return make_figure(name(), samples,
                       {.unit = "GB/s",
                        .value = [](const BenchSample& s) { return s.bytes / s.seconds / 1e9; },
                        .limit = [=](const BenchSample&) { return all / 1e9; }});
  }

 private:
  LimitProbe& probe_;
  std::unique_ptr<ThreadPool> pool_;
};

BenchFigure limit_figure(std::string name, double value, std::string unit) {
  BenchFigure figure;
  figure.name = std::move(name);
  figure.value = value;
  figure.unit = std::move(unit);
  figure.repetitions = 1;
  return figure;
}

}  // namespace

std::string read_case_name(int threads) {
  return concat("read ", threads, threads == 1 ? " thread" : " threads");
}

Result<std::unique_ptr<BenchCase>> read_case(LimitProbe& probe, int threads) {
  FATHOM_ASSIGN_OR_RETURN(auto pool, ThreadPool::create(threads));
  return std::unique_ptr<BenchCase>(std::make_unique<ReadCase>(probe, std::move(pool)));
}

std::vector<BenchFigure> limit_figures(const BenchRecord& record) {
  const MachineLimits& limits = record.limits;
  std::vector<BenchFigure> figures;
  figures.push_back(limit_figure("limit read", limits.read_bytes_per_second / 1e9, "GB/s"));
  for (const UnitRate& rate : limits.units) {
    figures.push_back(limit_figure("limit " + rate.unit, rate.operations_per_second / 1e9,
                                   rate.unit == "int8" ? "GOP/s" : "GFLOP/s"));
  }
  figures.push_back(limit_figure("limit barrier", limits.barrier_seconds * 1e6, "us"));
  BenchFigure moved = limit_figure("limits moved", 100.0 * record.before.moved_to(record.after), "%");
  moved.limit = 100.0 * kMaxLimitMove;
  moved.ratio = moved.low = moved.high = moved.value / moved.limit;
  figures.push_back(std::move(moved));
  return figures;
}

}  // namespace fathom
