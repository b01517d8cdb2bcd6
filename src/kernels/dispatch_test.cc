// SPDX-License-Identifier: MIT
#include "kernels/dispatch.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "kernels/cpu_features.h"

namespace fathom {
namespace {

// FATHOM_ISA for the length of a test; restored afterwards.
class ForcedIsa {
 public:
  explicit ForcedIsa(const char* value) {
    const char* before = std::getenv("FATHOM_ISA");
    if (before != nullptr) before_ = before;
    was_set_ = before != nullptr;
    setenv("FATHOM_ISA", value, 1);
  }
  ~ForcedIsa() {
    if (was_set_) {
      setenv("FATHOM_ISA", before_.c_str(), 1);
    } else {
      unsetenv("FATHOM_ISA");
    }
    ignore_status(select_kernels(""), "leaves the table as other tests expect it");
  }

 private:
  std::string before_;
  bool was_set_ = false;
};

constexpr CpuFeatures kEverything{.avx2 = true,
                                  .fma = true,
                                  .f16c = true,
                                  .avx512f = true,
                                  .avx512bw = true,
                                  .avx512vl = true,
                                  .avx512dq = true,
                                  .os_ymm = true,
                                  .os_zmm = true};

TEST(Dispatch, SaysWhichTiersRanAndWhichCannot) {
  int simd = 0;
  for (const TierInfo& tier : kernel_tiers()) {
    const bool runs = tier.missing.empty();
    std::printf("tier %s: %s%s\n", tier.table->name, runs ? "tested" : "not tested, the CPU lacks ",
                tier.missing.c_str());
    if (runs && std::string(tier.table->name) != "generic") ++simd;
  }
#if defined(__x86_64__)
  EXPECT_GT(simd, 0) << "no SIMD tier runs on this CPU, so none was tested";
#endif
}

TEST(Dispatch, GenericIsFirstAndAlwaysRuns) {
  EXPECT_STREQ(kernel_tiers().front().table->name, "generic");
  EXPECT_TRUE(kernel_tiers().front().missing.empty());
}

TEST(Dispatch, EveryTierHasEveryFamily) {
  for (const TierInfo& tier : kernel_tiers()) {
    EXPECT_NE(tier.table->linear, nullptr);
    EXPECT_NE(tier.table->attention, nullptr);
    EXPECT_NE(tier.table->row, nullptr);
  }
}

TEST(Dispatch, EnvironmentForcesATier) {
  const ForcedIsa isa("generic");
  ASSERT_TRUE(select_kernels("").ok());
  EXPECT_STREQ(kernels().name, "generic");
}

TEST(Dispatch, HighestRunnableTierIsTheDefault) {
  const ForcedIsa isa("");
  ASSERT_TRUE(select_kernels("").ok());
  const char* best = "";
  for (const TierInfo& tier : kernel_tiers()) {
    if (tier.missing.empty()) best = tier.table->name;
  }
  EXPECT_STREQ(kernels().name, best);
}

TEST(Dispatch, UnknownTierIsAnErrorThatListsTheKnownOnes) {
  const ForcedIsa isa("avx1024");
  const Status status = select_kernels("");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("FATHOM_ISA"), std::string::npos) << status.message();
  EXPECT_NE(std::string(status.message()).find("generic"), std::string::npos) << status.message();
  EXPECT_NE(std::string(status.message()).find("avx1024"), std::string::npos) << status.message();
}

TEST(Dispatch, MissingFeaturesAreNamed) {
  EXPECT_EQ(missing_for_avx2(kEverything), "");
  EXPECT_EQ(missing_for_avx512(kEverything), "");
  CpuFeatures features = kEverything;
  features.fma = false;
  features.avx512bw = false;
  EXPECT_EQ(missing_for_avx2(features), "fma");
  EXPECT_EQ(missing_for_avx512(features), "fma, avx512bw");
}

// A CPU with AVX-512 under a system that does not save its registers must not use it.
TEST(Dispatch, OperatingSystemSupportCounts) {
  CpuFeatures features = kEverything;
  features.os_zmm = false;
  EXPECT_EQ(missing_for_avx2(features), "");
  EXPECT_EQ(missing_for_avx512(features), "operating system support for 512-bit registers");
  features.os_ymm = false;
  EXPECT_EQ(missing_for_avx2(features), "operating system support for 256-bit registers");
}

}  // namespace
}  // namespace fathom
