// SPDX-License-Identifier: MIT
#include "train/parameter.h"

#include <algorithm>
#include <cmath>

#include "numeric/block_quant.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

constexpr int64_t kFp8Block = 128;
constexpr int kFp4Block = 32;

// One 128 x 128 block, cut off at the matrix' edges.
void quantise_fp8_block(Parameter& p, int64_t block_row, int64_t block_col) noexcept {
  const int64_t row_end = std::min(p.rows(), (block_row + 1) * kFp8Block);
  const int64_t col = block_col * kFp8Block;
  const int64_t cols = std::min(p.cols() - col, kFp8Block);
  float largest = 0.0F;
  for (int64_t r = block_row * kFp8Block; r < row_end; ++r) {
    const float* row = p.master.view().row(r) + col;
    for (int64_t c = 0; c < cols; ++c) largest = std::max(largest, std::fabs(row[c]));
  }
  const uint8_t byte = fp8_scale_byte(largest);
  const float scale = ue8m0_to_float(byte);
  p.scales.view().at(block_row, block_col) = byte;
  for (int64_t r = block_row * kFp8Block; r < row_end; ++r) {
    for (int64_t c = col; c < col + cols; ++c) {
      const uint8_t code = float_to_fp8_e4m3(p.master.view().at(r, c) / scale);
      p.codes.view().at(r, c) = code;
      p.shadow.view().at(r, c) = fp8_e4m3_to_float(code) * scale;
    }
  }
}

void quantise_fp4_row(Parameter& p, int64_t row) noexcept {
  fp4_quantize(p.master.view().row_span(row), kFp4Block, p.codes.view().row(row), p.scales.view().row(row));
  for (int64_t c = 0; c < p.cols(); ++c) {
    const uint8_t pair = p.codes.view().at(row, c / 2);
    const auto code = static_cast<uint8_t>(c % 2 == 0 ? pair & 15u : pair >> 4);
    p.shadow.view().at(row, c) =
        fp4_e2m1_to_float(code) * ue8m0_to_float(p.scales.view().at(row, c / kFp4Block));
  }
}

}  // namespace

void refresh_shadow(Parameter& parameter) noexcept {
  switch (parameter.format) {
    case WeightFormat::kF32:
    case WeightFormat::kBf16: return;
    case WeightFormat::kFp8E4m3:
      for (int64_t r = 0; r < parameter.scales.rows(); ++r) {
        for (int64_t c = 0; c < parameter.scales.cols(); ++c) quantise_fp8_block(parameter, r, c);
      }
      return;
    case WeightFormat::kFp4E2m1:
      for (int64_t r = 0; r < parameter.rows(); ++r) quantise_fp4_row(parameter, r);
      return;
  }
}

}  // namespace fathom
