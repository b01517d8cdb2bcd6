// SPDX-License-Identifier: MIT
// Matrix products of the generic tier: the judge of all others. A weight row is decoded 128 columns at a time
// into a local buffer and multiplied from there; every output is 16 lane sums over k, then one fixed tree,
// all in binary64 and rounded once: other tiers are measured against these values.
#include <cstring>

#include "kernels/kernel_table.h"
#include "numeric/bf16.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

constexpr int64_t kChunk = 128;  // an FP8 scale block and four FP4 ones, so a chunk never straddles a scale
constexpr int64_t kLanes = 16;
constexpr int64_t kRowsAtOnce = 4;  // rows of x that share one decoded chunk

int64_t min_of(int64_t a, int64_t b) noexcept { return a < b ? a : b; }

// Each decoder writes `count` weights of row n from column k on; k is a multiple of kChunk.
void decode_f32(const WeightView& w, int64_t n, int64_t k, int64_t count, float* out) noexcept {
  std::memcpy(out, static_cast<const float*>(w.data) + n * w.cols + k,
              static_cast<size_t>(count) * sizeof(float));
}

void decode_bf16(const WeightView& w, int64_t n, int64_t k, int64_t count, float* out) noexcept {
  const auto* row = static_cast<const uint16_t*>(w.data) + n * w.cols + k;
  for (int64_t i = 0; i < count; ++i) out[i] = bf16_to_float(row[i]);
}

void decode_fp8(const WeightView& w, int64_t n, int64_t k, int64_t count, float* out) noexcept {
  const auto* row = static_cast<const uint8_t*>(w.data) + n * w.cols + k;
  const int64_t scale_cols = (w.cols + w.block.cols - 1) / w.block.cols;
  const float scale = ue8m0_to_float(w.scales[n / w.block.rows * scale_cols + k / w.block.cols]);
  for (int64_t i = 0; i < count; ++i) out[i] = fp8_e4m3_to_float(row[i]) * scale;
}

void decode_fp4(const WeightView& w, int64_t n, int64_t k, int64_t count, float* out) noexcept {
  const auto* row = static_cast<const uint8_t*>(w.data) + (n * w.cols + k) / 2;
  const uint8_t* scales = w.scales + n * (w.cols / w.block.cols) + k / w.block.cols;
  for (int64_t i = 0; i < count; ++i) {
    const auto code = static_cast<uint8_t>(i % 2 == 0 ? row[i / 2] & 15 : row[i / 2] >> 4);
    out[i] = fp4_e2m1_to_float(code) * ue8m0_to_float(scales[i / w.block.cols]);
  }
}

float sum_of_lanes(double* lanes) noexcept {
  for (int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (int64_t i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  }
  return static_cast<float>(lanes[0]);
}

// lanes[i % 16] += x[i] * w[i]; a last group shorter than 16 uses the first lanes.
void accumulate(const float* x, const float* w, int64_t count, double* lanes) noexcept {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += double{x[i + lane]} * w[i + lane];
  }
  for (int64_t lane = 0; i < count; ++i, ++lane) lanes[lane] += double{x[i]} * w[i];
}

using Decode = void (*)(const WeightView&, int64_t, int64_t, int64_t, float*) noexcept;

template <Decode decode>
void linear(const LinearArgs& args) noexcept {
  for (int64_t n = args.row_begin; n < args.row_end; ++n) {
    for (int64_t i0 = 0; i0 < args.m; i0 += kRowsAtOnce) {
      const int64_t rows = min_of(kRowsAtOnce, args.m - i0);
      double lanes[kRowsAtOnce][kLanes] = {};
      float w[kChunk];
      for (int64_t k = 0; k < args.w.cols; k += kChunk) {
        const int64_t count = min_of(kChunk, args.w.cols - k);
        decode(args.w, n, k, count, w);
        for (int64_t i = 0; i < rows; ++i)
          accumulate(args.x + (i0 + i) * args.x_stride + k, w, count, lanes[i]);
      }
      for (int64_t i = 0; i < rows; ++i) args.y[(i0 + i) * args.y_stride + n] = sum_of_lanes(lanes[i]);
    }
  }
}

}  // namespace

extern constinit const LinearKernels kLinearGeneric = {linear<decode_f32>, linear<decode_bf16>,
                                                       linear<decode_fp8>, linear<decode_fp4>};

}  // namespace fathom
