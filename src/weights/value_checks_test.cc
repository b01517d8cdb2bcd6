// SPDX-License-Identifier: MIT
#include "weights/value_checks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "numeric/bf16.h"
#include "numeric/f16.h"
#include "numeric/fp8_e4m3.h"

namespace fathom {
namespace {

std::span<const std::byte> bytes_of(const auto& values) { return std::as_bytes(std::span(values)); }

// Every code of the 8 and 16 bit types, one at a time, against the codec's own verdict.
TEST(ValueChecks, EveryCodeIsJudgedAsItsCodecJudgesIt) {
  for (int code = 0; code < 65536; ++code) {
    const std::vector<uint16_t> value = {static_cast<uint16_t>(code)};
    ASSERT_EQ(first_non_finite(Dtype::kBf16, bytes_of(value)).has_value(),
              !std::isfinite(bf16_to_float(value[0])));
    ASSERT_EQ(first_non_finite(Dtype::kF16, bytes_of(value)).has_value(),
              !std::isfinite(f16_to_float(value[0])));
  }
  for (int code = 0; code < 256; ++code) {
    const std::vector<uint8_t> value = {static_cast<uint8_t>(code)};
    ASSERT_EQ(first_non_finite(Dtype::kF8E4M3, bytes_of(value)).has_value(),
              !std::isfinite(fp8_e4m3_to_float(value[0])));
    for (const int largest : {128, 246, 252, 254}) {
      ASSERT_EQ(first_scale_above(static_cast<uint8_t>(largest), bytes_of(value)).has_value(), code > largest)
          << code;
    }
  }
}

TEST(ValueChecks, LargestFiniteValuesPass) {
  const std::vector<float> wide = {std::numeric_limits<float>::max(), -std::numeric_limits<float>::max(),
                                   0.0f, -0.0f, std::numeric_limits<float>::denorm_min()};
  EXPECT_FALSE(first_non_finite(Dtype::kF32, bytes_of(wide)).has_value());
  const std::vector<double> wider = {std::numeric_limits<double>::max(), -std::numeric_limits<double>::max()};
  EXPECT_FALSE(first_non_finite(Dtype::kF64, bytes_of(wider)).has_value());
}

// One bad value at each place of every length up to three blocks, among neighbours of all bits set but one.
TEST(ValueChecks, TheFirstBadValueIsFoundAtEveryPlace) {
  for (size_t length = 1; length < 100; ++length) {
    std::vector<uint16_t> values(length, 0xff7f);  // the largest negative bf16
    ASSERT_FALSE(first_non_finite(Dtype::kBf16, bytes_of(values)).has_value());
    for (size_t at = 0; at < length; ++at) {
      std::vector<uint16_t> bad = values;
      bad[at] = 0xff80;
      if (at + 1 < length) bad[at + 1] = 0x7fff;
      ASSERT_EQ(first_non_finite(Dtype::kBf16, bytes_of(bad)), at);
      // The same bytes at an odd address.
      std::vector<std::byte> shifted(length * 2 + 1);
      std::memcpy(shifted.data() + 1, bad.data(), length * 2);
      ASSERT_EQ(first_non_finite(Dtype::kBf16, std::span(shifted).subspan(1)), at);
    }
  }
}

TEST(ValueChecks, IntegersAndEmptyTensorsHaveNothingToFind) {
  const std::vector<uint8_t> ones(100, 0xff);
  EXPECT_FALSE(first_non_finite(Dtype::kI8, bytes_of(ones)).has_value());
  EXPECT_FALSE(first_non_finite(Dtype::kF32, {}).has_value());
}

}  // namespace
}  // namespace fathom
