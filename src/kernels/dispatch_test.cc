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
                                  .avx512vbmi = true,
                                  .avx512vnni = true,
                                  .avx512bf16 = true,
                                  .amx_tile = true,
                                  .amx_bf16 = true,
                                  .os_ymm = true,
                                  .os_zmm = true,
                                  .os_tile = true};

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
    EXPECT_NE(tier.table->index, nullptr);
    EXPECT_NE(tier.table->row, nullptr);
    EXPECT_NE(tier.table->decode, nullptr);
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
    if (tier.missing.empty() && tier.use == TierUse::kByDefault) best = tier.table->name;
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
  EXPECT_EQ(missing_for_avx512_bf16(kEverything), "");
  EXPECT_EQ(missing_for_amx(kEverything), "");
  CpuFeatures features = kEverything;
  features.fma = false;
  features.avx512bw = false;
  EXPECT_EQ(missing_for_avx2(features), "fma");
  EXPECT_EQ(missing_for_avx512(features), "fma, avx512bw");
  EXPECT_EQ(missing_for_avx512_bf16(features), "fma, avx512bw");
  features.avx512bf16 = false;
  EXPECT_EQ(missing_for_avx512_bf16(features), "fma, avx512bw, avx512bf16");
  features = kEverything;
  features.avx512vbmi = false;
  features.avx512vnni = false;
  EXPECT_EQ(missing_for_avx512(features), "");
  EXPECT_EQ(missing_for_avx512_bf16(features), "avx512vbmi, avx512vnni");
}

// Where vdpbf16ps is slower than f32 the tier runs only when it is asked for (design.md 7).
TEST(Dispatch, Bf16PairsAreTheDefaultOnlyWhereTheyWereMeasuredFaster) {
  EXPECT_TRUE(bf16_pairs_beat_f32({"AuthenticAMD", 0x19, 0x11}));   // Genoa, Zen 4
  EXPECT_TRUE(bf16_pairs_beat_f32({"AuthenticAMD", 0x19, 0x61}));   // Raphael, Zen 4
  EXPECT_TRUE(bf16_pairs_beat_f32({"AuthenticAMD", 0x1a, 0x02}));   // Turin, Zen 5
  EXPECT_FALSE(bf16_pairs_beat_f32({"AuthenticAMD", 0x17, 0x31}));  // Zen 2
  EXPECT_FALSE(bf16_pairs_beat_f32({"GenuineIntel", 6, 0x8f}));     // Sapphire Rapids
  EXPECT_FALSE(bf16_pairs_beat_f32({"GenuineIntel", 6, 0xcf}));     // Emerald Rapids
  EXPECT_FALSE(bf16_pairs_beat_f32({"GenuineIntel", 6, 0x55}));     // Cooper Lake: not measured
  EXPECT_FALSE(bf16_pairs_beat_f32({}));
}

// A CPU with AVX-512 under a system that does not save its registers must not use it.
TEST(Dispatch, OperatingSystemSupportCounts) {
  CpuFeatures features = kEverything;
  features.os_tile = false;
  EXPECT_EQ(missing_for_avx512_bf16(features), "");
  EXPECT_EQ(missing_for_amx(features), "operating system support for tile registers");
  features.os_zmm = false;
  EXPECT_EQ(missing_for_avx2(features), "");
  EXPECT_EQ(missing_for_avx512(features), "operating system support for 512-bit registers");
  features.os_ymm = false;
  EXPECT_EQ(missing_for_avx2(features), "operating system support for 256-bit registers");
}

}  // namespace
}  // namespace fathom
