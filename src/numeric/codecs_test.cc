// SPDX-License-Identifier: MIT
// The scalar codecs against their definitions; the official vectors are in tests/golden.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "numeric/bf16.h"
#include "numeric/f16.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

static_assert(bf16_to_float(float_to_bf16(1.0f)) == 1.0f);
static_assert(fp8_e4m3_to_float(0x7e) == 448.0f && float_to_fp8_e4m3(0x1p-9f) == 1);
static_assert(fp4_e2m1_to_float(15) == -6.0f &&
              float_to_fp4_e2m1(2.5f) == 4);  // tie between 2 and 3: the even 2
static_assert(f16_to_float(0x3c00) == 1.0f && ue8m0_to_float(127) == 1.0f);

TEST(Bf16, EveryCodeSurvivesARoundTrip) {
  for (uint32_t code = 0; code <= 0xffffu; ++code) {
    const float x = bf16_to_float(static_cast<uint16_t>(code));
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(x)))) << code;
    } else {
      EXPECT_EQ(float_to_bf16(x), code);
    }
  }
}

TEST(Bf16, TiesGoToTheEvenCodeAndOverflowToInfinity) {
  EXPECT_EQ(float_to_bf16(0x1.01p0f), 0x3f80);      // halfway between 3f80 and 3f81
  EXPECT_EQ(float_to_bf16(0x1.03p0f), 0x3f82);      // halfway between 3f81 and 3f82
  EXPECT_EQ(float_to_bf16(0x1.010002p0f), 0x3f81);  // one ulp above a tie
  EXPECT_EQ(float_to_bf16(0x1.fffffep127f), 0x7f80);
  EXPECT_EQ(float_to_bf16(-kInf), 0xff80);
  // A NaN whose payload lies in the low half must not become an infinity.
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(0x7f800001u)))));
}

TEST(F16, EveryCodeSurvivesARoundTrip) {
  for (uint32_t code = 0; code <= 0xffffu; ++code) {
    const float x = f16_to_float(static_cast<uint16_t>(code));
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(f16_to_float(float_to_f16(x)))) << code;
    } else {
      EXPECT_EQ(float_to_f16(x), code);
    }
  }
}

TEST(F16, ValuesFollowTheDefinition) {
  for (int code = 0; code < 0x7c00; ++code) {
    const int exponent = code >> 10;
    const double value =
        exponent == 0 ? std::ldexp(code, -24) : std::ldexp(1024 + (code & 1023), exponent - 25);
    ASSERT_EQ(f16_to_float(static_cast<uint16_t>(code)), value);
  }
  EXPECT_EQ(f16_to_float(0x7c00), kInf);
}

// Between neighbours the midpoint goes to the even code and its float32 neighbours to their own sides.
TEST(F16, RoundsToNearestTiesToEven) {
  for (uint16_t code = 0; code < 0x7bff; ++code) {
    const float low = f16_to_float(code);
    const float high = f16_to_float(static_cast<uint16_t>(code + 1));
    const float middle = low + (high - low) / 2;
    ASSERT_EQ(float_to_f16(middle), (code & 1) != 0 ? code + 1 : code) << code;
    ASSERT_EQ(float_to_f16(std::nextafter(middle, 0.0f)), code) << code;
    ASSERT_EQ(float_to_f16(std::nextafter(middle, kInf)), code + 1) << code;
  }
  EXPECT_EQ(float_to_f16(65519.0f), 0x7bff);
  EXPECT_EQ(float_to_f16(65520.0f), 0x7c00);  // the tie with 2^16 overflows
}

TEST(Fp8E4m3, ValuesFollowTheDefinition) {
  for (int code = 0; code < 0x7f; ++code) {
    const int exponent = code >> 3;
    const double value = exponent == 0 ? std::ldexp(code, -9) : std::ldexp(8 + (code & 7), exponent - 10);
    EXPECT_EQ(fp8_e4m3_to_float(static_cast<uint8_t>(code)), value) << code;
    EXPECT_EQ(fp8_e4m3_to_float(static_cast<uint8_t>(code | 0x80)), -value) << code;
    EXPECT_EQ(std::signbit(fp8_e4m3_to_float(static_cast<uint8_t>(code | 0x80))), true) << code;
  }
  EXPECT_TRUE(std::isnan(fp8_e4m3_to_float(0x7f)));
  EXPECT_TRUE(std::isnan(fp8_e4m3_to_float(0xff)));
}

TEST(Fp8E4m3, RoundsToNearestTiesToEvenAndSaturates) {
  for (uint8_t code = 0; code < 0x7e; ++code) {
    const float low = fp8_e4m3_to_float(code);
    const float high = fp8_e4m3_to_float(static_cast<uint8_t>(code + 1));
    const float middle = (low + high) / 2;
    EXPECT_EQ(float_to_fp8_e4m3(low), code);
    EXPECT_EQ(float_to_fp8_e4m3(middle), (code & 1) != 0 ? code + 1 : code) << int{code};
    EXPECT_EQ(float_to_fp8_e4m3(std::nextafter(middle, 0.0f)), code);
    EXPECT_EQ(float_to_fp8_e4m3(-std::nextafter(middle, kInf)), (code + 1) | 0x80);
  }
  EXPECT_EQ(float_to_fp8_e4m3(449.0f), 0x7e);
  EXPECT_EQ(float_to_fp8_e4m3(4490.0f), 0x7e);
  EXPECT_EQ(float_to_fp8_e4m3(-kInf), 0xfe);
  EXPECT_EQ(float_to_fp8_e4m3(-0.0f), 0x80);
  EXPECT_EQ(float_to_fp8_e4m3(-kNan), 0x7f);
}

TEST(Fp4E2m1, RoundsToNearestTiesToEvenAndSaturates) {
  constexpr float kValues[8] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};
  for (uint8_t code = 0; code < 7; ++code) {
    EXPECT_EQ(fp4_e2m1_to_float(code), kValues[code]);
    EXPECT_EQ(fp4_e2m1_to_float(static_cast<uint8_t>(code | 8)), -kValues[code]);
    const float middle = (kValues[code] + kValues[code + 1]) / 2;
    EXPECT_EQ(float_to_fp4_e2m1(middle), (code & 1) != 0 ? code + 1 : code) << int{code};
    EXPECT_EQ(float_to_fp4_e2m1(std::nextafter(middle, 0.0f)), code);
    EXPECT_EQ(float_to_fp4_e2m1(-std::nextafter(middle, kInf)), (code + 1) | 8);
  }
  EXPECT_EQ(float_to_fp4_e2m1(60.0f), 7);
  EXPECT_EQ(float_to_fp4_e2m1(-kInf), 15);
  EXPECT_EQ(float_to_fp4_e2m1(-1e-30f), 8);
}

TEST(Ue8m0, EveryByteIsItsPowerOfTwo) {
  for (int byte = 0; byte < 255; ++byte) {
    EXPECT_EQ(ue8m0_to_float(static_cast<uint8_t>(byte)), std::ldexp(1.0, byte - 127)) << byte;
  }
  EXPECT_TRUE(std::isnan(ue8m0_to_float(255)));
}

}  // namespace
}  // namespace fathom
