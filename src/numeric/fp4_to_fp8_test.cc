// SPDX-License-Identifier: MIT
#include "numeric/fp4_to_fp8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

struct Fp4Matrix {
  int64_t rows, cols;
  std::vector<uint8_t> packed, scales;

  Fp4Matrix(int64_t rows_in, int64_t cols_in, unsigned seed) : rows(rows_in), cols(cols_in) {
    std::mt19937 rng(seed);
    packed.resize(static_cast<size_t>(rows * cols / 2));
    scales.resize(static_cast<size_t>(rows * ((cols + 31) / 32)));
    for (uint8_t& b : packed) b = static_cast<uint8_t>(rng());
    for (uint8_t& s : scales) s = static_cast<uint8_t>(118 + rng() % 8);
  }
  WeightView view() const {
    return {WeightFormat::kFp4E2m1, {1, 32}, packed.data(), scales.data(), rows, cols};
  }
  float at(int64_t r, int64_t c) const {
    const uint8_t pair = packed[static_cast<size_t>(r * cols / 2 + c / 2)];
    const uint8_t scale = scales[static_cast<size_t>(r * ((cols + 31) / 32) + c / 32)];
    return fp4_e2m1_to_float(static_cast<uint8_t>(c % 2 != 0 ? pair >> 4 : pair & 15)) *
           ue8m0_to_float(scale);
  }
};

TEST(Fp4ToFp8, EveryElementKeepsItsValueAtOddSizes) {
  const Fp4Matrix m(131, 160, 3);
  std::vector<uint8_t> codes(131 * 160), scales(2 * 2);
  ASSERT_TRUE(fp4_to_fp8(m.view(), codes.data(), scales.data()).ok());
  for (int64_t r = 0; r < m.rows; ++r) {
    for (int64_t c = 0; c < m.cols; ++c) {
      const float scale = ue8m0_to_float(scales[static_cast<size_t>(r / 128 * 2 + c / 128)]);
      ASSERT_EQ(fp8_e4m3_to_float(codes[static_cast<size_t>(r * 160 + c)]) * scale, m.at(r, c))
          << r << " " << c;
    }
  }
}

// Scales apart by 2^14 keep 0.5 at 2^-1 * 2^-8 = 2^-9, the smallest e4m3; by 2^15 it is lost.
TEST(Fp4ToFp8, RefusesFromTheFirstLostCodeOn) {
  Fp4Matrix m(3, 32, 5);
  m.packed.assign(m.packed.size(), 0x11);  // all 0.5
  std::vector<uint8_t> codes(96), scales(1);
  for (const int spread : {14, 15, 150, 253}) {
    m.scales = {254, static_cast<uint8_t>(254 - spread), 254};
    const Status status = fp4_to_fp8(m.view(), codes.data(), scales.data());
    EXPECT_EQ(status.ok(), spread == 14) << spread;
    if (!status.ok()) {
      EXPECT_EQ(status.code(), StatusCode::kUnsupported);
    }
  }
}

TEST(Fp4ToFp8, ZerosAreNeverLost) {
  Fp4Matrix m(2, 32, 5);
  m.packed.assign(m.packed.size(), 0x80);  // 0 and -0
  m.scales = {254, 0};
  std::vector<uint8_t> codes(64), scales(1);
  ASSERT_TRUE(fp4_to_fp8(m.view(), codes.data(), scales.data()).ok());
  EXPECT_EQ(codes[32], 0x00);
  EXPECT_EQ(codes[33], 0x80);
}

TEST(Fp4ToFp8, NanScaleIsCorruptAndNamesTheBlock) {
  Fp4Matrix m(129, 32, 5);
  m.scales.back() = 255;
  std::vector<uint8_t> codes(129 * 32), scales(2);
  const Status status = fp4_to_fp8(m.view(), codes.data(), scales.data());
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_NE(std::string(status.message()).find("row 128"), std::string::npos);
}

}  // namespace
}  // namespace fathom
