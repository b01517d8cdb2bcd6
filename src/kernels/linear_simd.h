// SPDX-License-Identifier: MIT
// Matrix products of every SIMD tier, written once over the Vec of simd_<tier>.h and a weight Format of
// linear_<tier>.cc, which includes this file. Internal linkage, so each tier has its own copy (design.md 7).
//
// Every output is ONE running sum of kWidth lanes over k, in order, then the tree of sum_lanes: the same
// expression for any number of rows, any row range and either path below (design.md 10.1). Sums wait in a
// scratch array between chunks of k, which is exact. x is packed first: padded with zeros to whole groups,
// brought to the lane order in which the Format decodes, and multiplied by the FP8 scales, powers of two, so
// that FP8 weights need no multiplication.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/linear_operands_simd.h"
#include "kernels/simd_math.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// Direct path, few rows of x: weights are decoded in registers. Chunk of k: kDirectFloats / m, so that x
// stays in L1.
constexpr int64_t kDirectFloats = 8192;
constexpr int64_t kPrefetchBytes = 2048;  // the best of 512 ... 4096 for one row of x and every format
// Blocked path: a strip of weights is decoded to memory once per kBlockRows rows of x.
constexpr int64_t kBlockRows = 48;
constexpr int64_t kBlockColumns = 512;  // strip 16 KB and x tile 12 KB stay in L1, the packed x in L2
constexpr int64_t kStripRows = 8;
constexpr int kTileX = kWidth == 16 ? 6 : 3;  // rows of x a register tile; 24 or 12 running sums
constexpr int kTileW = 4;                     // weight rows a register tile

// sums[i * kScaleBlock + r] += packed x row i times weight row r over one chunk, for m rows of x and n of
// weights.
template <typename Format, int m, int n>
FATHOM_INLINE void direct_tile(const float* packed, int64_t stride, const RowCursor* rows, int64_t row_bytes,
                               int64_t count, Vec* sums) noexcept {
  Vec acc[m][n];
  FATHOM_UNROLL
  for (int i = 0; i < m; ++i) {
    FATHOM_UNROLL
    for (int r = 0; r < n; ++r) acc[i][r] = sums[i * kScaleBlock + r];
  }
  const auto step = [&](int64_t g, int64_t left) {
    FATHOM_UNROLL
    for (int r = 0; r < n; ++r) {
      Vec w[kVecs];
      decode_group<Format>(rows[r], g, left, w);
      FATHOM_UNROLL
      for (int j = 0; j < kVecs; ++j) {
        FATHOM_UNROLL
        for (int i = 0; i < m; ++i) {
          acc[i][r] = fma(load(packed + i * stride + g * kGroup + j * kWidth), w[j], acc[i][r]);
        }
      }
    }
  };
  // A row is too short for the hardware to foresee the next one. Past the end of this chunk comes the next
  // tile's.
  const int64_t whole = count / kGroup;
  const int64_t chunk_bytes = whole * Format::kGroupBytes;
  for (int64_t g = 0; g < whole;) {
    int64_t ahead = g * Format::kGroupBytes + kPrefetchBytes;
    if (ahead >= chunk_bytes) ahead += n * row_bytes - chunk_bytes;
    FATHOM_UNROLL
    for (int r = 0; r < n; ++r) prefetch(rows[r].bytes + ahead);
    const int64_t line_end = least(whole, g + groups_per_line<Format>());
    for (; g < line_end; ++g) step(g, kGroup);
  }
  if (whole * kGroup < count) step(whole, count - whole * kGroup);
  FATHOM_UNROLL
  for (int i = 0; i < m; ++i) {
    FATHOM_UNROLL
    for (int r = 0; r < n; ++r) sums[i * kScaleBlock + r] = acc[i][r];
  }
}

// y of rows [first, first + rows) and weight rows [begin, end) from their lane sums.
FATHOM_INLINE void write_sums(const LinearArgs& args, int64_t first, int64_t rows, int64_t begin, int64_t end,
                              const Vec* sums) noexcept {
  for (int64_t i = 0; i < rows; ++i) {
    float* y = args.y + (first + i) * args.y_stride + begin;
    const Vec* row = sums + i * kScaleBlock;
    int64_t r = 0;
    for (; r + 4 <= end - begin; r += 4) sum_lanes_4(row + r, y + r);
    for (; r < end - begin; ++r) y[r] = sum_lanes(row[r]);
  }
}

// Weight rows [begin, end), all of one FP8 block row, against m rows of x from `first` on.
template <typename Format, int m, int n>
void direct_panel(const LinearArgs& args, int64_t first, int64_t begin, int64_t end) noexcept {
  alignas(64) float packed[kDirectFloats];
  // Rows of a last, incomplete tile are computed again in its spare places, which nothing reads.
  Vec sums[m * kScaleBlock];
  for (int64_t i = 0; i < m * kScaleBlock; ++i) sums[i] = zero();
  constexpr int64_t kChunk = kDirectFloats / m / kScaleBlock * kScaleBlock;
  for (int64_t k = 0; k < args.w.cols; k += kChunk) {
    const int64_t count = least(kChunk, args.w.cols - k);
    pack_x<Format>(args, first, m, k, count, fp8_scale_row(args.w, begin), packed, kChunk);
    for (int64_t r = 0; r < end - begin; r += n) {
      RowCursor rows[n];
      for (int j = 0; j < n; ++j) rows[j] = row_cursor<Format>(args.w, least(begin + r + j, end - 1), k);
      direct_tile<Format, m, n>(packed, kChunk, rows, row_bytes<Format>(args.w), count, sums + r);
    }
  }
  write_sums(args, first, m, begin, end, sums);
}

// sums[i * kScaleBlock + r] += x row i times weight row r, m rows of x and kTileW of weights, `count` padded
// columns.
template <int m>
FATHOM_INLINE void block_tile(const float* x, const float* w, int64_t count, Vec* sums) noexcept {
  Vec acc[m][kTileW];
  for (int i = 0; i < m; ++i) {
    for (int r = 0; r < kTileW; ++r) acc[i][r] = sums[i * kScaleBlock + r];
  }
  for (int64_t k = 0; k < count; k += kWidth) {
    Vec right[kTileW];
    for (int r = 0; r < kTileW; ++r) right[r] = load(w + r * kBlockColumns + k);
    for (int i = 0; i < m; ++i) {
      const Vec left = load(x + i * kBlockColumns + k);
      for (int r = 0; r < kTileW; ++r) acc[i][r] = fma(left, right[r], acc[i][r]);
    }
  }
  for (int i = 0; i < m; ++i) {
    for (int r = 0; r < kTileW; ++r) sums[i * kScaleBlock + r] = acc[i][r];
  }
}

FATHOM_INLINE void block_tile_of(int64_t m, const float* x, const float* w, int64_t count,
                                 Vec* sums) noexcept {
  if (m == kTileX) return block_tile<kTileX>(x, w, count, sums);
  if (m == 1) return block_tile<1>(x, w, count, sums);
  if (m == 2) return block_tile<2>(x, w, count, sums);
  if constexpr (kTileX > 3) {
    if (m == 3) return block_tile<3>(x, w, count, sums);
    if (m == 4) return block_tile<4>(x, w, count, sums);
    if (m == 5) return block_tile<5>(x, w, count, sums);
  }
}

// Columns [k, k + count) of the strip of weight rows from `first` on, decoded. The last row before `end` is
// repeated to fill a tile; the sums of the copies are not read. `ahead` is the distance in bytes to what is
// decoded next.
template <typename Format>
FATHOM_INLINE void decode_strip(const WeightView& w, int64_t first, int64_t rows, int64_t end, int64_t k,
                                int64_t count, int64_t ahead, float* strip) noexcept {
  for (int64_t r = 0; r < rows; ++r) {
    const RowCursor row = row_cursor<Format>(w, least(first + r, end - 1), k);
    for (int64_t g = 0; g * kGroup < count; ++g) {
      if (g % groups_per_line<Format>() == 0) prefetch(row.bytes + g * Format::kGroupBytes + ahead);
      Vec v[kVecs];
      decode_group<Format>(row, g, count - g * kGroup, v);
      for (int64_t j = 0; j < kVecs; ++j) store(strip + r * kBlockColumns + g * kGroup + j * kWidth, v[j]);
    }
  }
}

// As direct_panel, for 1 ... kBlockRows rows.
template <typename Format>
void block_panel(const LinearArgs& args, int64_t first, int64_t m, int64_t begin, int64_t end) noexcept {
  alignas(64) float packed[kBlockRows * kBlockColumns];
  alignas(64) float strip[kStripRows * kBlockColumns];
  Vec sums[kBlockRows * kScaleBlock];
  for (int64_t i = 0; i < m * kScaleBlock; ++i) sums[i] = zero();
  const int64_t pitch = row_bytes<Format>(args.w);
  for (int64_t k = 0; k < args.w.cols; k += kBlockColumns) {
    const int64_t count = least(kBlockColumns, args.w.cols - k);
    const int64_t padded = round_up(count, kGroup);
    pack_x<Format>(args, first, m, k, count, fp8_scale_row(args.w, begin), packed, kBlockColumns);
    for (int64_t s = begin; s < end; s += kStripRows) {
      const int64_t rows = round_up(least(kStripRows, end - s), kTileW);
      // Next comes the strip below, or after the last one the first strip of the next columns.
      const int64_t ahead = s + kStripRows < end
                                ? kStripRows * pitch
                                : (begin - s) * pitch + kBlockColumns / kGroup * Format::kGroupBytes;
      decode_strip<Format>(args.w, s, rows, end, k, count, ahead, strip);
      for (int64_t i = 0; i < m; i += kTileX) {
        for (int64_t r = 0; r < rows; r += kTileW) {
          block_tile_of(least(kTileX, m - i), packed + i * kBlockColumns, strip + r * kBlockColumns, padded,
                        sums + i * kScaleBlock + (s - begin) + r);
        }
      }
    }
  }
  write_sums(args, first, m, begin, end, sums);
}

// Weight rows [begin, end) of one FP8 block row against m <= kBlockRows rows of x.
template <typename Format>
void panel(const LinearArgs& args, int64_t first, int64_t m, int64_t begin, int64_t end) noexcept {
  // Weight rows a tile: as many running sums as registers allow beside the decoder's constants.
  constexpr int kFew = 4;
  constexpr int kSome = kWidth == 16 ? 4 : 2;
  if (m == 1) return direct_panel<Format, 1, kFew>(args, first, begin, end);
  if (m == 2) return direct_panel<Format, 2, kFew>(args, first, begin, end);
  if (m == 3) return direct_panel<Format, 3, kSome>(args, first, begin, end);
  if (m == 4) return direct_panel<Format, 4, kSome>(args, first, begin, end);
  if constexpr (kWidth == 16) {
    if (m == 5) return direct_panel<Format, 5, kSome>(args, first, begin, end);
    if (m == 6) return direct_panel<Format, 6, kSome>(args, first, begin, end);
    if (m == 7) return direct_panel<Format, 7, 2>(args, first, begin, end);
    if (m == 8) return direct_panel<Format, 8, 2>(args, first, begin, end);
  }
  block_panel<Format>(args, first, m, begin, end);
}

template <typename Format>
void linear(const LinearArgs& args) noexcept {
  // Blocks of equal size, in whole tiles, so that no small one is left over.
  const int64_t blocks = (args.m + kBlockRows - 1) / kBlockRows;
  const int64_t block = blocks == 0 ? 1 : least(kBlockRows, round_up((args.m + blocks - 1) / blocks, kTileX));
  for (int64_t first = 0; first < args.m; first += block) {
    const int64_t m = least(block, args.m - first);
    for (int64_t begin = args.row_begin; begin < args.row_end;) {
      const int64_t end = least(args.row_end, (begin / kScaleBlock + 1) * kScaleBlock);
      panel<Format>(args, first, m, begin, end);
      begin = end;
    }
  }
}

}  // namespace
}  // namespace fathom
