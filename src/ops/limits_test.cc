// SPDX-License-Identifier: MIT
#include "ops/limits.h"

#include <gtest/gtest.h>

#include "ops/tier.h"

namespace fathom {
namespace {

TEST(Limits, EveryTierThatRunsHasPositiveLimitsOnAnyNumberOfThreads) {
  for (const Tier& tier : built_in_tiers()) {
    if (!tier.missing.empty()) continue;
    SCOPED_TRACE(tier.name);
    auto probe = LimitProbe::create(tier.name, int64_t{8} << 20);
    ASSERT_TRUE(probe.ok());
    EXPECT_EQ(probe->buffer_bytes(), 8 << 20);
    for (const int threads : {1, 2, 3}) {
      auto pool = ThreadPool::create(threads);
      ASSERT_TRUE(pool.ok());
      const MachineLimits limits = probe->measure(**pool);
      EXPECT_GT(limits.read_bytes_per_second, 1e8);
      ASSERT_FALSE(limits.units.empty());
      EXPECT_EQ(limits.units[0].unit, "fp32");
      for (const UnitRate& rate : limits.units) EXPECT_GT(rate.operations_per_second, 1e7) << rate.unit;
      EXPECT_GT(limits.barrier_seconds, 0.0);
      EXPECT_GE(limits.exact_peak(tier.name), limits.units[0].operations_per_second);
    }
  }
}

TEST(Limits, ThePeakIsOfTheUnitsThatATierComputesExactlyWith) {
  MachineLimits limits;
  limits.units = {{"fp32", 500.0}, {"bf16", 1000.0}, {"int8", 1300.0}};
  EXPECT_EQ(limits.exact_peak("avx512"), 500.0);
  EXPECT_EQ(limits.exact_peak("avx512-bf16"), 1000.0);
  EXPECT_EQ(limits.exact_peak("amx"), 1000.0);
  limits.units[1].operations_per_second = 400.0;  // a CPU whose dot products are slower
  EXPECT_EQ(limits.exact_peak("avx512-bf16"), 500.0);
}

TEST(Limits, TheBestOfSamplesIsKeptAndTheirLargestMoveReported) {
  MachineLimits a{.read_bytes_per_second = 100.0, .units = {{"fp32", 50.0}}, .barrier_seconds = 2e-7};
  const MachineLimits b{.read_bytes_per_second = 97.0, .units = {{"fp32", 56.0}}, .barrier_seconds = 1e-7};
  EXPECT_NEAR(a.moved_to(b), 6.0 / 56.0, 1e-12);
  a.keep_best(b);
  EXPECT_EQ(a.read_bytes_per_second, 100.0);
  EXPECT_EQ(a.units[0].operations_per_second, 56.0);
  EXPECT_EQ(a.barrier_seconds, 1e-7);
  MachineLimits none;
  none.keep_best(b);
  EXPECT_EQ(none.units[0].operations_per_second, 56.0);
  EXPECT_EQ(none.barrier_seconds, 1e-7);
}

}  // namespace
}  // namespace fathom
