// SPDX-License-Identifier: MIT
// WeightView: a borrowed matrix as it lies in the checkpoint (design.md 3; architecture.md 9).
// The only view with a run-time element type; here, below kernels and weights, because both speak it.
// Owned by the WeightStore; read by all threads.
#pragma once

#include <cstdint>

namespace fathom {

enum class WeightFormat : uint8_t {
  kF32,
  kBf16,
  kFp8E4m3,  // one byte an element, one ue8m0 scale per block
  kFp4E2m1,  // two elements a byte, low nibble first, one ue8m0 scale per block
};

// What is known of the rows of x that enter a product.
enum class XPrecision : uint8_t {
  kF32,        // any f32 values
  kBf16Exact,  // at most 8 significant bits, multiples of 2^-31, at most 2^120: what quantize_activations
               // writes
};

// Elements covered by one ue8m0 scale byte; {0, 0}: the format has no scales.
struct ScaleBlock {
  int rows = 0;
  int cols = 0;
};

// [rows = out, cols = in], row-major, rows contiguous. Scales [ceil(rows/block.rows), ceil(cols/block.cols)],
// row-major. `data` of kF32 and kBf16 is aligned to its element size.
struct WeightView {
  WeightFormat format = WeightFormat::kF32;
  ScaleBlock block;
  const void* data = nullptr;
  const uint8_t* scales = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;

  // Activations entering a product with FP8 or FP4 weights are rounded to e4m3 per 128 channels.
  bool quantizes_activations() const noexcept {
    return format == WeightFormat::kFp8E4m3 || format == WeightFormat::kFp4E2m1;
  }
};

}  // namespace fathom
