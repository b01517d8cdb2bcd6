// SPDX-License-Identifier: MIT
#include "numeric/fp4_to_fp8.h"

#include <algorithm>

#include "base/check.h"
#include "base/concat.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

// Rows [row_begin, row_end) and columns [col_begin, col_end) of one output block.
struct BlockBounds {
  int64_t row_begin, row_end, col_begin, col_end;
};

uint8_t scale_at(const WeightView& w, int64_t row, int64_t col) noexcept {
  const int64_t scales_per_row = (w.cols + w.block.cols - 1) / w.block.cols;
  return w.scales[row / w.block.rows * scales_per_row + col / w.block.cols];
}

uint8_t code_at(const WeightView& w, int64_t row, int64_t col) noexcept {
  const uint8_t pair = static_cast<const uint8_t*>(w.data)[row * (w.cols / 2) + col / 2];
  return col % 2 == 0 ? static_cast<uint8_t>(pair & 15u) : static_cast<uint8_t>(pair >> 4);
}

uint8_t largest_scale(const WeightView& w, const BlockBounds& b) noexcept {
  uint8_t largest = 0;
  for (int64_t row = b.row_begin; row < b.row_end; ++row) {
    for (int64_t col = b.col_begin; col < b.col_end; ++col)
      largest = std::max(largest, scale_at(w, row, col));
  }
  return largest;
}

// 2^shift for shift in [-126, 6].
float power_of_two(int shift) noexcept { return ue8m0_to_float(static_cast<uint8_t>(127 + shift)); }

// False when a code of the block has no e4m3 counterpart.
bool recast_block(const WeightView& w, const BlockBounds& b, uint8_t out_scale, uint8_t* codes) noexcept {
  for (int64_t row = b.row_begin; row < b.row_end; ++row) {
    for (int64_t col = b.col_begin; col < b.col_end; ++col) {
      // Below 2^-20 even 6 * 2^shift is under half of the smallest e4m3 value; the clamp keeps the power
      // normal.
      const int shift = std::max(scale_at(w, row, col) - out_scale, -20);
      const float value = fp4_e2m1_to_float(code_at(w, row, col)) * power_of_two(shift);
      const uint8_t code = float_to_fp8_e4m3(value);
      if (fp8_e4m3_to_float(code) != value) return false;
      codes[row * w.cols + col] = code;
    }
  }
  return true;
}

}  // namespace

Status fp4_to_fp8(const WeightView& w, uint8_t* codes, uint8_t* scales) {
  FATHOM_CHECK(w.format == WeightFormat::kFp4E2m1 && w.cols % 2 == 0 && w.block.rows > 0 && w.block.cols > 0);
  for (int64_t row = 0; row < w.rows; row += kFp8BlockSize) {
    for (int64_t col = 0; col < w.cols; col += kFp8BlockSize) {
      const BlockBounds block{row, std::min(row + kFp8BlockSize, w.rows), col,
                              std::min(col + kFp8BlockSize, w.cols)};
      const uint8_t largest = largest_scale(w, block);
      if (largest == 0xffu) {
        return Status(StatusCode::kCorrupt,
                      concat("fp4 to fp8: block at row ", row, ", column ", col, ": a scale is NaN"));
      }
      // 2^6 brings the largest FP4 value, 6, to 384 of 448: the most room below.
      const uint8_t out_scale = static_cast<uint8_t>(std::max(largest - 6, 0));
      if (!recast_block(w, block, out_scale, codes)) {
        return Status(StatusCode::kUnsupported,
                      concat("fp4 to fp8: block at row ", row, ", column ", col,
                             ": expected scales that differ by at most 2^14, found a code e4m3 cannot hold"));
      }
      *scales++ = out_scale;
    }
  }
  return Status();
}

}  // namespace fathom
