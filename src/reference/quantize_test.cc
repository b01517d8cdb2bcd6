// SPDX-License-Identifier: MIT
// Round trips at their ties, boundaries and floors (architecture.md 9).
#include "reference/quantize.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "numeric/block_quant.h"
#include "reference/number.h"

namespace fathom::reference {
namespace {

template <typename T>
T fp8(T x, T largest_in_block) {
  std::array<T, 2> block{x, largest_in_block};
  fp8_round_trip(std::span<T>(block), 128);
  return block[0];
}

TEST(Quantize, E4m3KeepsThreeMantissaBitsAndRoundsTiesToEven) {
  // Scale 1: the largest of the block is 448.
  EXPECT_EQ(fp8(1.0625, 448.0), 1.0);   // halfway between 1 and 1.125, even code below
  EXPECT_EQ(fp8(1.1875, 448.0), 1.25);  // halfway between 1.125 and 1.25, even code above
  EXPECT_EQ(fp8(-1.0626, 448.0), -1.125);
  EXPECT_EQ(fp8(0x1p-10, 448.0), 0.0);      // half of the smallest subnormal
  EXPECT_EQ(fp8(0x1.8p-9, 448.0), 0x1p-8);  // 1.5 subnormal steps
  EXPECT_EQ(fp8(447.0, 448.0), 448.0);
}

TEST(Quantize, ScaleIsTheSmallestPowerOfTwoThatHoldsTheLargest) {
  // 448 itself needs scale 1, the next double above it scale 2.
  EXPECT_EQ(fp8(17.0, 448.0), 16.0);  // step 2 at scale 1: 17 is a tie, 16 even
  EXPECT_EQ(fp8(19.0, 448.0), 20.0);
  EXPECT_EQ(fp8(0x1p-9, 448.0), 0x1p-9);
  EXPECT_EQ(fp8(0x1p-9, std::nextafter(448.0, 500.0)), 0.0);  // scale 2: half a step, tie to 0
}

TEST(Quantize, BlocksBelowTheFloorUseTheFloorsScale) {
  // 2^-22 is the smallest power of two with 1e-4 <= s * 448; its smallest code is 2^-31.
  EXPECT_EQ(fp8(0x1p-31, 0x1p-31), 0x1p-31);
  EXPECT_EQ(fp8(0x1p-32, 0x1p-31), 0.0);
  std::array<float, 3> zeros{};
  fp4_round_trip(std::span<float>(zeros), 32);
  EXPECT_EQ(zeros, (std::array<float, 3>{}));
}

TEST(Quantize, E2m1HasEightMagnitudes) {
  std::array<double, 9> block{6.0, 0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, -5.1};
  fp4_round_trip(std::span<double>(block), 32);
  EXPECT_EQ(block, (std::array<double, 9>{6.0, 0.0, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0, -6.0}));
}

// Half of the smallest code at scale 1 is lost beside 448 and kept in a block of its own.
TEST(Quantize, AShorterLastBlockHasItsOwnScale) {
  std::vector<double> x(130, 0x1p-10);
  x[0] = 448.0;
  fp8_round_trip(std::span<double>(x), 128);
  EXPECT_EQ(x[127], 0.0);
  EXPECT_EQ(x[128], 0x1p-10);
  EXPECT_EQ(x[129], 0x1p-10);
}

// The product's quantiser works on the bits of float32, this one by arithmetic: two ways to the same values.
TEST(Quantize, AgreesWithTheBitArithmeticOfNumeric) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> exponent(-30.0f, 30.0f);
  std::normal_distribution<float> mantissa;
  for (int round = 0; round < 2000; ++round) {
    std::vector<float> x(77);
    const float size = std::exp2(exponent(random));
    for (float& v : x) v = mantissa(random) * size;
    std::vector<float> product = x;
    std::vector<float> mine = x;
    fathom::fp8_round_trip(product, 64);
    fp8_round_trip(std::span<float>(mine), 64);
    EXPECT_EQ(mine, product) << "fp8, size " << size;
    product = mine = x;
    fathom::fp4_round_trip(product, 32);
    fp4_round_trip(std::span<float>(mine), 32);
    EXPECT_EQ(mine, product) << "fp4, size " << size;
  }
}

TEST(Quantize, InfinitiesAndNanPassAsTheyAre) {
  std::vector<float> x = {INFINITY, 1.0f, NAN};
  fp8_round_trip(std::span<float>(x), 128);
  EXPECT_EQ(x[0], INFINITY);
  EXPECT_TRUE(std::isnan(x[2]));
  fp4_round_trip(std::span<float>(x), 32);
  EXPECT_EQ(x[0], INFINITY);
}

TEST(Quantize, ComplexNumbersRoundTheirRealPartOnly) {
  const Complex rounded = fp8(Complex(1.0625, 1e-30), Complex(448.0, 5.0));
  EXPECT_EQ(rounded, Complex(1.0, 1e-30));
}

}  // namespace
}  // namespace fathom::reference
