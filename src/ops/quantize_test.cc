// SPDX-License-Identifier: MIT
// Where the groups of the round trips begin and end (architecture.md 9); their values are the fixtures' job.
#include "ops/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "numeric/block_quant.h"

namespace fathom {
namespace {

std::vector<float> quantized(const std::vector<float>& x) {
  std::vector<float> out(x.size());
  quantize_activations(x, out);
  return out;
}

// A group rounded by the scalar codec, which takes it as one block.
void round_group(std::span<float> group) { fp8_round_trip(group, 1 << 20); }

TEST(Quantize, ActivationsAreRoundedInGroupsOf128FromChannelZero) {
  for (const size_t n : {1, 127, 128, 129, 255, 256, 257, 300}) {
    const std::vector<float> x = random_floats(n, static_cast<unsigned>(n), 12);
    std::vector<float> want = x;
    for (size_t first = 0; first < n; first += 128) {
      round_group(std::span(want).subspan(first, std::min<size_t>(128, n - first)));
    }
    EXPECT_TRUE(same_bits(quantized(x), want)) << n;
    std::vector<float> in_place = x;
    quantize_activations(in_place, in_place);
    EXPECT_TRUE(same_bits(in_place, want)) << n << " in place";
  }
}

TEST(Quantize, AShorterLastGroupHasItsOwnScale) {
  // With the first group's scale the last value would become 0.
  std::vector<float> x(129, 448.0F);
  x[128] = 0x1.8p-12F;
  EXPECT_EQ(quantized(x), x);
  x[127] = 0x1.8p-12F;
  EXPECT_EQ(quantized(x)[127], 0.0F);
}

TEST(Quantize, ARoundedRowStaysAsItIs) {
  const std::vector<float> once = quantized(random_floats(300, 5, 6));
  EXPECT_TRUE(same_bits(quantized(once), once));
}

// The promise of XPrecision::kBf16Exact, on which the tiers that multiply bfloat16 rest.
TEST(Quantize, RoundedActivationsAreExactInBfloat16AndInItsRange) {
  for (const float size : {0.0F, 0x1p-149F, 0x1p-60F, 0x1p-31F, 1e-4F, 1.0F, 1e20F, 0x1p115F}) {
    std::vector<float> x = random_floats(640, 7, 12);
    for (float& v : x) v = std::clamp(v * size, -0x1p119F, 0x1p119F);
    for (const float v : quantized(x)) {
      EXPECT_EQ(std::bit_cast<uint32_t>(v) & 0xffffu, 0u) << v;
      EXPECT_EQ(std::remainder(v, 0x1p-31F), 0.0F) << v;
      EXPECT_LE(std::fabs(v), 0x1p120F) << v;
    }
  }
}

TEST(Quantize, ZerosStayZerosAndKeepTheirSign) {
  const std::vector<float> x = {0.0F, -0.0F, 0.0F, -0.0F};
  EXPECT_TRUE(same_bits(quantized(x), x));
}

TEST(Quantize, KeyValuesAreRoundedInGroupsOf64AndRopeChannelsAreNot) {
  constexpr size_t kRow = 200;
  for (const int64_t nope : {0, 1, 63, 64, 65, 127, 128, 129, 199, 200}) {
    const std::vector<float> x = random_floats(kRow, 77, 12);
    std::vector<float> want = x;
    for (int64_t first = 0; first < nope; first += 64) {
      round_group(std::span(want).subspan(first, std::min<int64_t>(64, nope - first)));
    }
    std::vector<float> got = x;
    quantize_kv(got, nope);
    EXPECT_TRUE(same_bits(got, want)) << nope;
  }
}

// Row j of the transform is c^-1/2 (-1)^popcount(i & j), one magnitude throughout: a power of two for these
// sizes, so the e2m1 round trip returns it unchanged.
TEST(Quantize, AnIndexRowIsTransformedInNaturalOrder) {
  for (const size_t n : {4, 16, 64, 256}) {
    for (size_t j = 0; j < n; ++j) {
      std::vector<float> row(n, 0.0F);
      row[j] = 1.0F;
      quantize_index(row);
      for (size_t i = 0; i < n; ++i) {
        const float magnitude = 1.0F / std::sqrt(static_cast<float>(n));
        ASSERT_EQ(row[i], std::popcount(i & j) % 2 == 0 ? magnitude : -magnitude)
            << n << " " << j << " " << i;
      }
    }
  }
}

TEST(Quantize, AConstantIndexRowGathersInChannelZero) {
  std::vector<float> row(64, 0.75F);
  quantize_index(row);
  EXPECT_EQ(row[0], 6.0F);
  for (size_t i = 1; i < row.size(); ++i) EXPECT_EQ(row[i], 0.0F) << i;
}

// Impulses whose transforms differ in size by 2^10: within one group of 32 the small one would vanish.
TEST(Quantize, IndexRowsAreRoundedInGroupsOf32) {
  std::vector<float> row(64, 0.0F);
  row[0] = 8.0F;          // 1 everywhere
  row[32] = -7.9921875F;  // and all but 2^-10 of it taken away from the first half
  quantize_index(row);
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(row[i], 0x1p-10F) << i;
  for (size_t i = 32; i < 64; ++i) EXPECT_EQ(row[i], 2.0F) << i;
}

}  // namespace
}  // namespace fathom
