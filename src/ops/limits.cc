// SPDX-License-Identifier: MIT
#include "ops/limits.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>

#include "base/cpu_cache.h"
#include "kernels/limit_kernels.h"

namespace fathom {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int64_t kMinBufferBytes = int64_t{512} << 20;
constexpr int64_t kCacheMultiple = 16;
// Long enough that starting the stage does not show, short enough to sample often.
constexpr double kUnitSeconds = 0.004;
constexpr int kBarrierBatches = 10;
constexpr int kBarriersPerBatch = 50;

// Where results go that only exist to be computed.
std::atomic<uint64_t> sink;

template <typename Work>
double seconds_of(const Work& work) noexcept {
  const auto start = SteadyClock::now();
  work();
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

double read_once(ThreadPool& pool, ReadKernel read, MatView<const std::byte> blocks) noexcept {
  return seconds_of([&] {
    pool.run([&](int worker) {
      const PartRange part = part_range(blocks.rows, worker, pool.size());
      if (part.begin == part.end) return;
      sink += read(blocks.row(part.begin), (part.end - part.begin) * blocks.cols);
    });
  });
}

double unit_rate(ThreadPool& pool, const ArithmeticUnit& unit) noexcept {
  const auto run = [&](int64_t rounds) {
    return seconds_of([&] { pool.run([&](int) { sink += std::bit_cast<uint32_t>(unit.run(rounds)); }); });
  };
  constexpr int64_t kTrialRounds = 1000;
  const double trial = std::max(run(kTrialRounds), 1e-9);
  const auto rounds = static_cast<int64_t>(kTrialRounds * std::max(1.0, kUnitSeconds / trial));
  const auto operations = static_cast<double>(rounds * unit.operations_per_round * pool.size());
  return operations / run(rounds);
}

double barrier_seconds(ThreadPool& pool) noexcept {
  double best = INFINITY;
  for (int batch = 0; batch < kBarrierBatches; ++batch) {
    best = std::min(best, seconds_of([&] {
                      for (int i = 0; i < kBarriersPerBatch; ++i) pool.run([](int) {});
                    }));
  }
  return best / kBarriersPerBatch;
}

double relative_difference(double a, double b) noexcept {
  return a > 0.0 && b > 0.0 ? std::abs(a - b) / std::max(a, b) : 0.0;
}

}  // namespace

double MachineLimits::exact_peak(std::string_view tier) const noexcept {
  const bool bf16_products = tier.ends_with("bf16") || tier == "amx";
  double peak = 0.0;
  for (const UnitRate& rate : units) {
    if (rate.unit == "fp32" || (rate.unit == "bf16" && bf16_products))
      peak = std::max(peak, rate.operations_per_second);
  }
  return peak;
}

void MachineLimits::keep_best(const MachineLimits& other) {
  read_bytes_per_second = std::max(read_bytes_per_second, other.read_bytes_per_second);
  if (units.empty()) units = other.units;
  for (size_t i = 0; i < std::min(units.size(), other.units.size()); ++i) {
    units[i].operations_per_second =
        std::max(units[i].operations_per_second, other.units[i].operations_per_second);
  }
  if (other.barrier_seconds > 0.0) {
    barrier_seconds =
        barrier_seconds > 0.0 ? std::min(barrier_seconds, other.barrier_seconds) : other.barrier_seconds;
  }
}

double MachineLimits::moved_to(const MachineLimits& other) const noexcept {
  double moved = relative_difference(read_bytes_per_second, other.read_bytes_per_second);
  for (size_t i = 0; i < std::min(units.size(), other.units.size()); ++i) {
    moved = std::max(
        moved, relative_difference(units[i].operations_per_second, other.units[i].operations_per_second));
  }
  return moved;
}

Result<LimitProbe> LimitProbe::create(std::string_view tier, int64_t max_buffer_bytes) {
  const int64_t wanted = std::max(kMinBufferBytes, kCacheMultiple * last_cache_bytes());
  const int64_t bytes = std::min(wanted, max_buffer_bytes);
  FATHOM_ASSIGN_OR_RETURN(auto buffer, MatBuf<std::byte>::allocate(
                                           std::max<int64_t>(1, bytes / kReadBlockBytes), kReadBlockBytes));
  return LimitProbe(tier, std::move(buffer));
}

double LimitProbe::measure_read(ThreadPool& pool) noexcept {
  const LimitKernels kernels = limit_kernels(tier_);
  const MatView<const std::byte> blocks = buffer_.view();
  const double seconds = std::min(read_once(pool, kernels.read_one_stream, blocks),
                                  read_once(pool, kernels.read_four_streams, blocks));
  return static_cast<double>(buffer_.size_bytes()) / seconds;
}

MachineLimits LimitProbe::measure(ThreadPool& pool) noexcept {
  MachineLimits limits;
  limits.read_bytes_per_second = measure_read(pool);
  for (const ArithmeticUnit& unit : limit_kernels(tier_).units) {
    limits.units.push_back({unit.name, unit_rate(pool, unit)});
  }
  limits.barrier_seconds = barrier_seconds(pool);
  return limits;
}

}  // namespace fathom
