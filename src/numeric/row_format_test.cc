// SPDX-License-Identifier: MIT
// Sizes of packed rows, and what packing keeps.
#include "numeric/row_format.h"

#include <gtest/gtest.h>

#include <vector>

#include "numeric/block_quant.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

TEST(RowFormat, SizesFollowFromTheChannels) {
  const RowFormat flash{.encoding = RowEncoding::kFp8, .dim = 512, .nope = 448};
  EXPECT_EQ(flash.scale_offset(), 448);
  EXPECT_EQ(flash.rope_offset(), 456);  // 7 scale bytes, one of padding
  EXPECT_EQ(flash.row_bytes(), 456 + 64 * 4);
  EXPECT_EQ((RowFormat{.encoding = RowEncoding::kFp4, .dim = 128}).row_bytes(), 68);
  EXPECT_EQ((RowFormat{.encoding = RowEncoding::kFp4, .dim = 16}).row_bytes(),
            12);  // 8 codes, 1 scale, padding
  EXPECT_EQ((RowFormat{.encoding = RowEncoding::kFp8, .dim = 40, .nope = 32}).row_bytes(), 36 + 32);
  EXPECT_EQ((RowFormat{.dim = 7}).row_bytes(), 28);
}

// A second rounding of rounded values changes nothing, so packing a row that went through its round trip is
// exact, also where the largest value was rounded down to a power-of-two border and the scale shrinks.
TEST(RowFormat, PackingARoundedRowKeepsEveryBit) {
  const RowFormat format{.encoding = RowEncoding::kFp8, .dim = 100, .nope = 90};
  for (int seed = 0; seed < 200; ++seed) {
    std::vector<float> row(100);
    for (size_t i = 0; i < row.size(); ++i) {
      const auto mixed =
          static_cast<uint32_t>((i * 2654435761U + static_cast<uint32_t>(seed) * 40503U) % 65521U);
      row[i] = (static_cast<float>(mixed) / 32760.0F - 1.0F) * (seed % 3 == 0 ? 224.5F : 1.7F);
    }
    row[seed % 90] = 224.001F;  // rounds to 224, half of 448
    fp8_round_trip(std::span(row).first(90), 64);
    std::vector<uint8_t> bytes(static_cast<size_t>(format.row_bytes()));
    pack_row(format, row, bytes.data());
    for (size_t i = 0; i < 90; ++i) {
      EXPECT_EQ(fp8_e4m3_to_float(bytes[i]) * ue8m0_to_float(bytes[90 + i / 64]), row[i]) << seed << " " << i;
    }
  }
}

}  // namespace
}  // namespace fathom
