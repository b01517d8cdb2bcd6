// SPDX-License-Identifier: MIT
#include "ops/unpack_row.h"

#include <gtest/gtest.h>

#include <vector>

#include "ops/quantize.h"

namespace fathom {
namespace {

std::vector<float> numbers(size_t count, int seed) {
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i) {
    const auto mixed = static_cast<uint32_t>((i * 2654435761U + static_cast<uint32_t>(seed) * 97U) % 65521U);
    out[i] = static_cast<float>(mixed) / 8190.0F - 4.0F;
  }
  return out;
}

std::vector<float> packed_and_back(const RowFormat& format, const std::vector<float>& row) {
  std::vector<uint8_t> bytes(static_cast<size_t>(format.row_bytes()));
  pack_row(format, row, bytes.data());
  std::vector<float> back(row.size());
  unpack_row(format, bytes.data(), back);
  return back;
}

// What attention reads from the state must be what the layer computed, to the last bit.
TEST(UnpackRow, GivesBackEveryRoundedRow) {
  for (const int nope : {1, 15, 16, 17, 64, 65, 100, 448}) {
    const RowFormat kv{.encoding = RowEncoding::kFp8, .dim = nope + 8, .nope = nope};
    std::vector<float> row = numbers(static_cast<size_t>(nope) + 8, nope);
    quantize_kv(row, nope);
    EXPECT_EQ(packed_and_back(kv, row), row) << nope;
  }
  for (const int dim : {16, 32, 64, 128}) {
    std::vector<float> row = numbers(static_cast<size_t>(dim), dim);
    quantize_index(row);
    EXPECT_EQ(packed_and_back({.encoding = RowEncoding::kFp4, .dim = dim}, row), row) << dim;
  }
  const std::vector<float> row = numbers(13, 5);
  EXPECT_EQ(packed_and_back({.dim = 13}, row), row);
}

}  // namespace
}  // namespace fathom
