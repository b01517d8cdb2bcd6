// SPDX-License-Identifier: MIT
#include "train/peak.h"

#include <algorithm>

#include "base/thread_pool.h"
#include "ops/limits.h"

namespace fathom {
namespace {

// Neighbours on the machine disturb a sample; the best of several counts.
constexpr int kSamples = 16;

}  // namespace

Result<double> measure_peak_flops(std::string_view tier, int threads) {
  FATHOM_ASSIGN_OR_RETURN(const auto pool, ThreadPool::create(threads));
  FATHOM_ASSIGN_OR_RETURN(LimitProbe probe, LimitProbe::create(tier, int64_t{16} << 20));
  MachineLimits best;
  for (int i = 0; i < kSamples; ++i) best.keep_best(probe.measure(*pool));
  double peak = 0.0;
  for (const UnitRate& unit : best.units) {
    if (unit.unit == "fp32") peak = std::max(peak, unit.operations_per_second);
  }
  return peak;
}

}  // namespace fathom
