// SPDX-License-Identifier: MIT
#include "base/human_units.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(HumanUnits, CommasStandBetweenThousands) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(129280), "129,280");
  EXPECT_EQ(with_commas(-1048576), "-1,048,576");
  EXPECT_EQ(with_commas(INT64_MIN), "-9,223,372,036,854,775,808");
}

TEST(HumanUnits, BytesUseTheLargestUnitThatFits) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.00 kB");
  EXPECT_EQ(human_bytes(999'994), "999.99 kB");
  EXPECT_EQ(human_bytes(999'996), "1.00 MB");
  EXPECT_EQ(human_bytes(11'758'356), "11.76 MB");
  EXPECT_EQ(human_bytes(INT64_MAX), "9223.37 PB");
}

TEST(HumanUnits, ParametersAreCountedInBillions) {
  EXPECT_EQ(human_parameters(512), "512");
  EXPECT_EQ(human_parameters(10'174'990), "10.17 M");
  EXPECT_EQ(human_parameters(284'332'240'471), "284.33 B");
  EXPECT_EQ(human_parameters(1'600'000'000'000), "1.60 T");
}

TEST(HumanUnits, SizesAreReadWithDecimalAndBinaryUnits) {
  struct Case {
    const char* text;
    int64_t bytes;
  };
  for (const Case& c : {Case{"4096", 4096}, Case{"24G", 24'000'000'000}, Case{"1.5 GB", 1'500'000'000},
                        Case{"512MiB", 512 << 20}, Case{"8Ki", 8192}, Case{"3k", 3000}, Case{"3K", 3000},
                        Case{"2T", 2'000'000'000'000}, Case{"7B", 7}}) {
    const Result<int64_t> bytes = parse_bytes(c.text);
    ASSERT_TRUE(bytes.ok()) << c.text;
    EXPECT_EQ(*bytes, c.bytes) << c.text;
  }
  for (const char* bad : {"", "G", "-1G", "0", "0.1", "nan", "inf", "1e3", "1X", "1GG", "1GiBB", "1 G x",
                          "24G ", "i", "1i", "10000P", "99999999999999999999", "0x10"}) {
    EXPECT_EQ(parse_bytes(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace fathom
