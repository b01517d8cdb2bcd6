// SPDX-License-Identifier: MIT
#include "train/dequantise.h"

#include <algorithm>

#include "numeric/bf16.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

float scale_at(const WeightView& w, int64_t row, int64_t col) noexcept {
  const int64_t scale_cols = (w.cols + w.block.cols - 1) / w.block.cols;
  return ue8m0_to_float(w.scales[row / w.block.rows * scale_cols + col / w.block.cols]);
}

float element(const WeightView& w, int64_t row, int64_t col) noexcept {
  const int64_t at = row * w.cols + col;
  switch (w.format) {
    case WeightFormat::kF32: return static_cast<const float*>(w.data)[at];
    case WeightFormat::kBf16: return bf16_to_float(static_cast<const uint16_t*>(w.data)[at]);
    case WeightFormat::kFp8E4m3:
      return fp8_e4m3_to_float(static_cast<const uint8_t*>(w.data)[at]) * scale_at(w, row, col);
    case WeightFormat::kFp4E2m1: {
      const uint8_t pair = static_cast<const uint8_t*>(w.data)[at / 2];
      const auto code = static_cast<uint8_t>(at % 2 == 0 ? pair & 15u : pair >> 4);
      return fp4_e2m1_to_float(code) * scale_at(w, row, col);
    }
  }
  return 0.0F;
}

}  // namespace

void dequantise(const WeightView& w, MatView<float> out) noexcept {
  FATHOM_DCHECK(out.rows == w.rows && out.cols == w.cols);
  for (int64_t r = 0; r < w.rows; ++r) {
    for (int64_t c = 0; c < w.cols; ++c) out.at(r, c) = element(w, r, c);
  }
}

}  // namespace fathom
