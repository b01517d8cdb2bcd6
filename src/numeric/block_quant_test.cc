// SPDX-License-Identifier: MIT
// Block scales and quantisers against the defining inequality; the official vectors are in tests/golden.
#include "numeric/block_quant.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

// The definition: smallest power of two s with max(amax, floor) <= s * largest.
int smallest_scale_byte(float amax, float floor, double largest) {
  const double bound = std::max(amax, floor);
  int byte = 0;
  while (std::ldexp(largest, byte - 127) < bound) ++byte;
  return byte;
}

std::vector<float> amax_cases() {
  std::vector<float> cases = {0.0f, 1e-4f, std::nextafter(1e-4f, 0.0f), std::nextafter(1e-4f, 1.0f),
                              0x1.fffffep127f};
  for (int e = -149; e < 128; ++e) {
    for (const float m : {1.0f, 1.5f, 1.75f}) {
      const float v = std::ldexp(m, e);
      for (const float near : {std::nextafter(v, 0.0f), v, std::nextafter(v, INFINITY)}) {
        if (std::isfinite(near)) cases.push_back(near);
      }
    }
  }
  std::mt19937 rng(7);
  for (int i = 0; i < 20000; ++i)
    cases.push_back(std::bit_cast<float>(static_cast<uint32_t>(rng()) % 0x7f800000u));
  return cases;
}

TEST(BlockQuant, ScaleIsTheSmallestPowerOfTwoThatCoversTheGroup) {
  for (const float amax : amax_cases()) {
    ASSERT_EQ(fp8_scale_byte(amax), smallest_scale_byte(amax, 1e-4f, 448.0)) << amax;
    ASSERT_EQ(fp4_scale_byte(amax), smallest_scale_byte(amax, 0x1.8p-124f, 6.0)) << amax;
  }
}

TEST(BlockQuant, LastShortGroupHasItsOwnScale) {
  std::vector<float> x(130, 448.0f);
  x[128] = 1.75f;
  x[129] = -0.875f;
  std::vector<uint8_t> codes(130);
  std::vector<uint8_t> scales(3, 99);
  fp8_quantize(x, 128, codes.data(), scales.data());
  EXPECT_EQ(scales[0], 127);
  EXPECT_EQ(scales[1], 127 - 8);
  EXPECT_EQ(scales[2], 99);  // nothing beyond ceil(130 / 128)
  EXPECT_EQ(codes[128], 0x7e);
  EXPECT_EQ(codes[129], 0xfe - 8);
}

TEST(BlockQuant, RoundTripEqualsDecodedCodes) {
  std::mt19937 rng(11);
  std::normal_distribution<float> normal;
  for (const size_t n : {size_t{1}, size_t{3}, size_t{31}, size_t{64}, size_t{65}, size_t{449}}) {
    std::vector<float> x(n);
    for (float& v : x) v = normal(rng) * std::ldexp(1.0f, static_cast<int>(rng() % 40) - 20);
    std::vector<uint8_t> codes(n), scales(n), packed((n + 1) / 2);
    std::vector<float> fp8 = x;
    std::vector<float> fp4 = x;
    fp8_quantize(x, 64, codes.data(), scales.data());
    fp8_round_trip(fp8, 64);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(fp8[i], fp8_e4m3_to_float(codes[i]) * ue8m0_to_float(scales[i / 64])) << i;
    }
    fp4_quantize(x, 32, packed.data(), scales.data());
    fp4_round_trip(fp4, 32);
    for (size_t i = 0; i < n; ++i) {
      const uint8_t nibble = static_cast<uint8_t>(packed[i / 2] >> (i % 2 * 4) & 15);
      ASSERT_EQ(fp4[i], fp4_e2m1_to_float(nibble) * ue8m0_to_float(scales[i / 32])) << i;
    }
  }
}

// What was quantised is a fixed point: its scale is unchanged or half, and every value is representable under
// both.
TEST(BlockQuant, RoundTripIsIdempotent) {
  std::mt19937 rng(13);
  std::normal_distribution<float> normal;
  std::vector<float> x(4096);
  for (float& v : x) v = normal(rng);
  fp8_round_trip(x, 128);
  std::vector<float> again = x;
  fp8_round_trip(again, 128);
  EXPECT_EQ(x, again);
}

TEST(BlockQuant, NanStaysNanAsFp8AndHarmsNoNeighbour) {
  std::vector<float> x = {1.0f, std::numeric_limits<float>::quiet_NaN(), -2.0f, 0.0f};
  fp8_round_trip(x, 128);
  EXPECT_EQ(x[0], 1.0f);
  EXPECT_TRUE(std::isnan(x[1]));
  EXPECT_EQ(x[2], -2.0f);
}

}  // namespace
}  // namespace fathom
