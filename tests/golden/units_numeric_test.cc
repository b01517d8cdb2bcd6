// SPDX-License-Identifier: MIT
// numeric/ against fixtures/units: codecs, quant and transforms (their README has the tolerances).
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/concat.h"
#include "numeric/bf16.h"
#include "numeric/block_quant.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp4_to_fp8.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/hadamard.h"
#include "numeric/math.h"
#include "numeric/rope.h"
#include "numeric/ue8m0.h"
#include "support/fixture_file.h"

namespace fathom {
namespace {

bool same_value(float a, float b) {
  return a == b ? std::signbit(a) == std::signbit(b) : std::isnan(a) && std::isnan(b);
}

TEST(UnitsCodecs, DecodingMatchesTheTables) {
  const FixtureFile file("units/codecs.safetensors");
  for (int i = 0; i < 256; ++i) {
    const uint8_t byte = static_cast<uint8_t>(i);
    EXPECT_TRUE(same_value(fp8_e4m3_to_float(byte), file.f32("e4m3.decode")[byte])) << i;
    EXPECT_TRUE(same_value(ue8m0_to_float(byte), file.f32("e8m0.decode")[byte])) << i;
    if (i < 16) {
      EXPECT_TRUE(same_value(fp4_e2m1_to_float(byte), file.f32("e2m1.decode")[byte])) << i;
    }
  }
}

TEST(UnitsCodecs, EncodingMatchesBitForBit) {
  const FixtureFile file("units/codecs.safetensors");
  const auto e4m3 = file.u32("e4m3.in");
  for (size_t i = 0; i < e4m3.size(); ++i) {
    EXPECT_EQ(float_to_fp8_e4m3(std::bit_cast<float>(e4m3[i])), file.u8("e4m3.out")[i])
        << std::hex << e4m3[i];
  }
  const auto e2m1 = file.u32("e2m1.in");
  for (size_t i = 0; i < e2m1.size(); ++i) {
    EXPECT_EQ(float_to_fp4_e2m1(std::bit_cast<float>(e2m1[i])), file.u8("e2m1.out")[i])
        << std::hex << e2m1[i];
  }
  const auto bf16 = file.u32("bf16.in");
  for (size_t i = 0; i < bf16.size(); ++i) {
    const uint16_t got = float_to_bf16(std::bit_cast<float>(bf16[i]));
    const uint16_t want = file.u16("bf16.out")[i];
    const bool both_nan = std::isnan(bf16_to_float(got)) && std::isnan(bf16_to_float(want));
    EXPECT_TRUE(got == want || both_nan) << std::hex << bf16[i] << " gave " << got << ", want " << want;
  }
}

void expect_same_floats(std::span<const float> got, std::span<const float> want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_TRUE(same_value(got[i], want[i])) << "element " << i << ": " << got[i] << ", want " << want[i];
  }
}

TEST(UnitsQuant, Fp8CodesScalesAndValuesMatchBitForBit) {
  const FixtureFile file("units/quant.safetensors");
  for (const int block : {128, 64}) {
    const std::string name = concat("fp8_", block);
    const size_t n = static_cast<size_t>(file.dim(name + ".x", 1));
    const size_t groups = n / static_cast<size_t>(block);
    for (size_t row = 0; row < static_cast<size_t>(file.dim(name + ".x", 0)); ++row) {
      const auto x = file.f32(name + ".x").subspan(row * n, n);
      std::vector<uint8_t> codes(n), scales(groups);
      fp8_quantize(x, block, codes.data(), scales.data());
      EXPECT_EQ(std::memcmp(codes.data(), &file.u8(name + ".codes")[row * n], n), 0)
          << name << " row " << row;
      EXPECT_EQ(std::memcmp(scales.data(), &file.u8(name + ".scales")[row * groups], groups), 0) << row;
      std::vector<float> round_trip(x.begin(), x.end());
      fp8_round_trip(round_trip, block);
      expect_same_floats(round_trip, file.f32(name + ".dequant").subspan(row * n, n));
    }
  }
}

TEST(UnitsQuant, Fp4CodesScalesAndValuesMatchBitForBit) {
  const FixtureFile file("units/quant.safetensors");
  const size_t n = static_cast<size_t>(file.dim("fp4_32.x", 1));
  for (size_t row = 0; row < static_cast<size_t>(file.dim("fp4_32.x", 0)); ++row) {
    const auto x = file.f32("fp4_32.x").subspan(row * n, n);
    std::vector<uint8_t> packed(n / 2), scales(n / 32);
    fp4_quantize(x, 32, packed.data(), scales.data());
    EXPECT_EQ(std::memcmp(packed.data(), &file.u8("fp4_32.packed")[row * n / 2], n / 2), 0) << row;
    EXPECT_EQ(std::memcmp(scales.data(), &file.u8("fp4_32.scales")[row * n / 32], n / 32), 0) << row;
    std::vector<float> round_trip(x.begin(), x.end());
    fp4_round_trip(round_trip, 32);
    expect_same_floats(round_trip, file.f32("fp4_32.dequant").subspan(row * n, n));
  }
}

TEST(UnitsQuant, Fp4RecastIsExactOrRefused) {
  const FixtureFile file("units/quant.safetensors");
  for (const char* which : {"a", "b", "c", "d", "e"}) {
    const std::string name = concat("recast.", which);
    const WeightView weight{WeightFormat::kFp4E2m1,           {1, 32}, file.u8(name + ".packed").data(),
                            file.u8(name + ".scales").data(), 128,     128};
    std::vector<uint8_t> codes(128 * 128);
    uint8_t scale = 0;
    const Status status = fp4_to_fp8(weight, codes.data(), &scale);
    ASSERT_EQ(status.ok(), file.u8(name + ".exact")[0] == 1) << name << ": " << status.message();
    if (!status.ok()) continue;
    EXPECT_EQ(scale, file.u8(name + ".out_scale")[0]) << name;
    EXPECT_EQ(std::memcmp(codes.data(), file.u8(name + ".out").data(), codes.size()), 0) << name;
  }
}

TEST(UnitsTransforms, HadamardMatches) {
  const FixtureFile file("units/transforms.safetensors");
  for (int n = 8; n <= 512; n *= 2) {
    const std::string name = concat("hadamard.", n);
    const auto x = file.f32(name + ".x");
    const auto want = file.f32(name + ".y");
    for (size_t row = 0; row < 2; ++row) {
      const size_t first = row * static_cast<size_t>(n);
      std::vector<float> y(x.begin() + static_cast<int64_t>(first),
                           x.begin() + static_cast<int64_t>(first) + n);
      hadamard(std::span<float>(y));
      float largest = 0.0f;
      for (int i = 0; i < n; ++i)
        largest = std::max(largest, std::fabs(want[first + static_cast<size_t>(i)]));
      const double bound = 4 * 0x1p-24 * std::log2(n) * largest;
      for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], want[first + i], bound) << name << " " << i;
    }
  }
}

RopeParameters rope_case(const FixtureFile& file, const std::string& name) {
  const auto p = file.f64(name + ".params");
  return {.r = static_cast<int>(p[0]),
          .theta = p[1],
          .factor = p[2],
          .original = p[3],
          .beta_fast = p[4],
          .beta_slow = p[5]};
}

TEST(UnitsTransforms, RopeFrequenciesAndAnglesMatch) {
  const FixtureFile file("units/transforms.safetensors");
  int cases = 0;
  for (const auto& [tensor_name, tensor] : file.tensors()) {
    if (!tensor_name.ends_with(".params")) continue;
    ++cases;
    const std::string name = tensor_name.substr(0, tensor_name.size() - 7);
    const RopeParameters p = rope_case(file, name);
    if (p.factor != 0.0) {
      EXPECT_EQ(rope_ramp(p).low, file.i32(name + ".ramp")[0]) << name;
      EXPECT_EQ(rope_ramp(p).high, file.i32(name + ".ramp")[1]) << name;
    }
    const std::vector<double> freqs = rope_frequencies(p);
    const auto positions = file.i64("positions");
    for (size_t pair = 0; pair < freqs.size(); ++pair) {
      const double want = file.f64(name + ".freqs")[pair];
      EXPECT_NEAR(freqs[pair], want, want * 1e-13) << name << " pair " << pair;
      for (size_t i = 0; i < positions.size(); ++i) {
        const float angle = rope_angle(positions[i], freqs[pair]);
        float s = 0.0f;
        float c = 0.0f;
        sincos_f32_angle(angle, &s, &c);
        // One unit in the last place of the frequency already moves the angle by |angle| 2^-23.
        const double bound = 1e-6 + std::fabs(angle) * 0x1p-23;
        const size_t at = i * freqs.size() + pair;
        EXPECT_NEAR(c, file.f32(name + ".cos")[at], bound) << name << " position " << positions[i];
        EXPECT_NEAR(s, file.f32(name + ".sin")[at], bound) << name << " position " << positions[i];
      }
    }
  }
  EXPECT_GE(cases, 4);
}

}  // namespace
}  // namespace fathom
