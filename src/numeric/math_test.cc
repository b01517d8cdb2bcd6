// SPDX-License-Identifier: MIT
// Our functions against the C library's 80-bit ones: independent code with 11 bits to spare.
#include "numeric/math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace fathom {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// Distance in units of the last place of the exact value; the unit of subnormals is 2^-149.
double ulps(float got, long double exact) {
  if (std::fabs(exact) > std::numeric_limits<float>::max()) return std::isinf(got) ? 0.0 : 1e9;
  int exponent = 0;
  std::frexp(exact, &exponent);
  const long double unit = std::ldexp(1.0L, std::max(exponent - 24, -149));
  return static_cast<double>(std::fabs(static_cast<long double>(got) - exact) / unit);
}

std::vector<float> uniform(float low, float high, int count) {
  std::mt19937 rng(17);
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = distribution(rng);
  return values;
}

TEST(Math, ExpIsWithinOneUlpEverywhere) {
  for (const float x : uniform(-110.0f, 95.0f, 200000))
    ASSERT_LE(ulps(exp_f32(x), std::exp((long double)x)), 0.51) << x;
  for (const float x : uniform(-1.0f, 1.0f, 100000))
    ASSERT_LE(ulps(exp_f32(x), std::exp((long double)x)), 0.51) << x;
  EXPECT_EQ(exp_f32(0.0f), 1.0f);
  EXPECT_EQ(exp_f32(-kInf), 0.0f);
  EXPECT_EQ(exp_f32(kInf), kInf);
  EXPECT_EQ(exp_f32(0x1.62e42ep6f), 0x1.ffff08p127f);  // the largest argument that does not overflow
  EXPECT_EQ(exp_f32(std::nextafter(0x1.62e42ep6f, kInf)), kInf);
  EXPECT_EQ(exp_f32(-0x1.9d1d9ep6f), 0x1p-149f);  // -103.279: the smallest subnormal
  EXPECT_EQ(exp_f32(-104.0f), 0.0f);
  EXPECT_TRUE(std::isnan(exp_f32(std::nanf(""))));
}

TEST(Math, LogIsWithinOneUlpEverywhere) {
  std::mt19937 rng(19);
  for (int i = 0; i < 200000; ++i) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(1 + rng() % 0x7f7fffffu));
    ASSERT_LE(ulps(log_f32(x), std::log((long double)x)), 0.51) << x;
  }
  for (const float x : uniform(0.5f, 2.0f, 100000))
    ASSERT_LE(ulps(log_f32(x), std::log((long double)x)), 0.51) << x;
  EXPECT_EQ(log_f32(1.0f), 0.0f);
  EXPECT_EQ(log_f32(0.0f), -kInf);
  EXPECT_EQ(log_f32(kInf), kInf);
  EXPECT_TRUE(std::isnan(log_f32(-1.0f)));
}

TEST(Math, Log1pKeepsSmallArguments) {
  for (const float x : uniform(-0.999f, 3.0f, 100000))
    ASSERT_LE(ulps(log1p_f32(x), std::log1p((long double)x)), 0.51) << x;
  for (int e = -149; e < 0; ++e) {
    const float x = std::ldexp(1.0f, e);
    ASSERT_LE(ulps(log1p_f32(x), std::log1p((long double)x)), 0.51) << x;
  }
  EXPECT_EQ(log1p_f32(-1.0f), -kInf);
}

TEST(Math, SoftplusLosesNothingAtEitherEnd) {
  for (const float x : uniform(-104.0f, 104.0f, 200000)) {
    ASSERT_LE(ulps(softplus_f32(x), std::log1p(std::exp((long double)x))), 0.51) << x;
  }
  EXPECT_EQ(softplus_f32(3e38f), 3e38f);
  EXPECT_EQ(softplus_f32(kInf), kInf);
  EXPECT_EQ(softplus_f32(-kInf), 0.0f);
  EXPECT_EQ(softplus_f32(-50.0f), exp_f32(-50.0f));
}

TEST(Math, SigmoidAndSiluAreWithinOneUlp) {
  for (const float x : uniform(-110.0f, 110.0f, 200000)) {
    const long double exact = 1.0L / (1.0L + std::exp(-(long double)x));
    ASSERT_LE(ulps(sigmoid_f32(x), exact), 0.51) << x;
    ASSERT_LE(ulps(silu_f32(x), x * exact), 0.51) << x;
  }
  EXPECT_EQ(sigmoid_f32(-kInf), 0.0f);
  EXPECT_EQ(sigmoid_f32(kInf), 1.0f);
  EXPECT_EQ(silu_f32(kInf), kInf);
  EXPECT_EQ(silu_f32(-kInf), 0.0f);
  EXPECT_EQ(silu_f32(-3e38f), 0.0f);
}

TEST(Math, SineAndCosineAreWithinOneUlpUpToTwoToThe21) {
  std::vector<float> angles = uniform(-0x1p21f, 0x1p21f, 200000);
  for (const float small : uniform(-7.0f, 7.0f, 200000)) angles.push_back(small);
  for (int e = -149; e <= 21; ++e) angles.push_back(std::ldexp(1.0f, e));
  // Floats nearest to multiples of pi/2: the hardest reductions.
  for (int n = 1; n < 1000000; n += 7) angles.push_back(static_cast<float>(n * 1.57079632679489661923));
  for (const float angle : angles) {
    float s = 0.0f;
    float c = 0.0f;
    sincos_f32_angle(angle, &s, &c);
    ASSERT_LT(ulps(s, std::sin((long double)angle)), 0.52) << angle;
    ASSERT_LT(ulps(c, std::cos((long double)angle)), 0.52) << angle;
  }
}

TEST(Math, DoubleVersionsAreWithinTwoUlps) {
  std::mt19937_64 rng(23);
  std::uniform_real_distribution<double> exponent(-700.0, 700.0);
  for (int i = 0; i < 200000; ++i) {
    const double x = exponent(rng);
    const long double exact = std::exp((long double)x);
    ASSERT_LE(std::fabs((long double)exp_f64(x) - exact) / exact, 0x1p-51L) << x;
    const double y = exp_f64(x);
    ASSERT_LE(std::fabs((long double)log_f64(y) - std::log((long double)y)),
              0x1p-51L * (1e-300L + std::fabs(std::log((long double)y))))
        << y;
  }
}

}  // namespace
}  // namespace fathom
