// SPDX-License-Identifier: MIT
// SwiGLU's clamps, sums of rows, and the split of rows over workers.
#include "ops/row.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "ops/parallel.h"
#include "ops/swiglu.h"
#include "ops/tier.h"

namespace fathom {
namespace {

double silu(double x) { return x / (1.0 + std::exp(-x)); }

// The gate is clamped from above only, up on both sides, before they are multiplied (architecture.md 6).
TEST(Swiglu, ClampsTheGateFromAboveAndUpOnBothSides) {
  const std::vector<float> gate = {1, 5, -5, 1, 1, 5};
  const std::vector<float> up = {1, 1, 1, 5, -5, -5};
  std::vector<float> out(6);
  swiglu(gate, up, 0.5F, 2.0F, out);
  const double want[] = {silu(1), silu(2), silu(-5), silu(1) * 2, silu(1) * -2, silu(2) * -2};
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(out[i], 0.5 * want[i], 1e-6 * std::fabs(want[i])) << i;
}

TEST(Swiglu, ALimitOfZeroMeansNoClamp) {
  std::vector<float> out(2);
  swiglu(std::vector<float>{100, -1}, std::vector<float>{-1000, 1000}, 1.0F, 0.0F, out);
  EXPECT_EQ(out[0], -100'000.0F);
  EXPECT_NEAR(out[1], silu(-1) * 1000, 1e-3);
}

TEST(Swiglu, MayWriteOverEitherInput) {
  const std::vector<float> gate = random_floats(77, 1);
  const std::vector<float> up = random_floats(77, 2);
  std::vector<float> want(77);
  swiglu(gate, up, 0.7F, 1.5F, want);
  std::vector<float> over_gate = gate;
  swiglu(over_gate, up, 0.7F, 1.5F, over_gate);
  EXPECT_TRUE(same_bits(over_gate, want));
  std::vector<float> over_up = up;
  swiglu(gate, over_up, 0.7F, 1.5F, over_up);
  EXPECT_TRUE(same_bits(over_up, want));
}

TEST(AddRow, AddsEveryElementOnce) {
  for (const size_t n : {1, 15, 16, 17, 100}) {
    std::vector<float> y = random_floats(n, 3);
    const std::vector<float> x = random_floats(n, 4);
    std::vector<float> want(n);
    for (size_t i = 0; i < n; ++i) want[i] = y[i] + x[i];
    add_row(x, y);
    EXPECT_TRUE(same_bits(y, want)) << n;
  }
}

TEST(ParallelRows, EveryRowRunsOnceByAWorkerOfThePoolOnAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3, 5}) {
    auto pool = ThreadPool::create(threads);
    ASSERT_TRUE(pool.ok());
    for (const int64_t rows : {0, 1, 2, 3, 17}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(rows));
      std::atomic<int> strangers{0};
      parallel_rows(**pool, rows, [&](int64_t row, int worker) {
        ++runs[row];
        if (worker < 0 || worker >= threads) ++strangers;
      });
      for (const auto& count : runs) EXPECT_EQ(count.load(), 1) << threads << " threads, " << rows << " rows";
      EXPECT_EQ(strangers.load(), 0);
    }
  }
}

// Otherwise a rerun of the tests per tier would test one tier several times.
TEST(Tier, IsTheOneThatTheEnvironmentNames) {
  const char* named = std::getenv("FATHOM_ISA");
  if (named != nullptr && *named != '\0') {
    EXPECT_EQ(selected_tier(), named);
  }
  int matches = 0;
  for (const Tier& tier : built_in_tiers()) {
    if (tier.name != selected_tier()) continue;
    ++matches;
    EXPECT_EQ(tier.missing, "");
  }
  EXPECT_EQ(matches, 1);
  EXPECT_EQ(select_tier("no such tier").code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace fathom
