// SPDX-License-Identifier: MIT
// Matrix products of every SIMD tier, written once over the Vec of simd_<tier>.h and a weight Format of
// linear_operands_simd.h. Internal linkage, so each tier has its own copy (design.md 7).
//
// Every output is summed in chunks of kChunk columns counted from column 0: within a chunk one running sum of
// kWidth lanes over k, in order, then the tree of sum_lanes; the chunks' sums are added to y, in order. That
// expression is the same for any number of rows, any row range and either path below (design.md 10.1).
// A worker's stack is 256 KiB (reliability.md R-6); the blocked path takes 112 KiB of it.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/linear_operands_simd.h"
#include "kernels/simd_math.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

template <typename Lane>
constexpr int64_t kChunk = 2048 / static_cast<int64_t>(sizeof(Lane));

// Direct path, few rows of x: weights are decoded in registers.
constexpr int64_t kDirectBytes = 32768;   // of packed x, so that it stays in L1
constexpr int64_t kPrefetchBytes = 2048;  // the best of 512 ... 4096 for one row of x and every format
// Blocked path: a strip of weights is decoded to memory once per kBlockRows rows of x.
constexpr int64_t kBlockRows = 48;            // packed x 96 KB, which stays in L2
constexpr int64_t kStripRows = 8;             // strip 16 KB, which stays in L1 with an x tile of 12 KB
constexpr int kTileX = kWidth == 16 ? 6 : 3;  // rows of x a register tile; 24 or 12 running sums
constexpr int kTileW = 4;                     // weight rows a register tile

// y[i, r] += sum over the lanes of acc[i][r], for `count` <= n weight rows.
template <int m, int n>
FATHOM_INLINE void add_tile(const Vec (*acc)[n], int64_t count, float* y, int64_t stride) noexcept {
  FATHOM_UNROLL
  for (int i = 0; i < m; ++i) {
    if (n == 4 && count >= 4) {
      add_lanes_4(acc[i], y + i * stride);
    } else if (n == 2 && count == 2 && i / 2 * 2 + 1 < m) {
      if (i % 2 != 0) continue;
      float sums[4];
      sum_lanes_4(acc[i], sums);
      for (int s = 0; s < 4; ++s) y[(i + s / 2) * stride + s % 2] += sums[s];
    } else {
      for (int r = 0; r < n; ++r) {
        if (r < count) y[i * stride + r] += sum_lanes(acc[i][r]);
      }
    }
  }
}

// A Format that takes some scales only: `Plain` names the one for the others.
template <typename Format>
concept Limited = requires { typename Format::Plain; };

// Whether the Format takes the scales of weight rows [begin, end) in the columns of `block`.
template <typename Format>
FATHOM_INLINE bool takes(const WeightView& w, int64_t begin, int64_t end, const XBlock& block) noexcept {
  if constexpr (Limited<Format>) {
    for (int64_t n = begin; n < end; ++n) {
      if (!Format::takes(w, n, block.k, block.count)) return false;
    }
  }
  return true;
}

// One chunk of a weight row whose scales the Format does not take, against the rows of x of `block`: rare, so
// the plain way.
template <Limited Format>
void plain_chunk(const LinearArgs& args, const XBlock& block, int64_t n) noexcept {
  using Plain = typename Format::Plain;
  alignas(64) float packed[kChunk<typename Format::Lane>];
  for (int64_t i = 0; i < block.rows; ++i) {
    pack_x<Plain>(args, {block.first + i, 1, block.k, block.count}, n, packed, 0);
    const RowCursor row = row_cursor<Plain>(args.w, n, block.k);
    Vec sum = zero();
    for (int64_t g = 0; g * Plain::kGroup < block.count; ++g) {
      Vec w[Plain::kGroup / kWidth];
      decode_group<Plain>(row, g, block.count - g * Plain::kGroup, w);
      for (int64_t j = 0; j < Plain::kGroup / kWidth; ++j) {
        sum = fma(load(packed + g * Plain::kGroup + j * kWidth), w[j], sum);
      }
    }
    args.y[(block.first + i) * args.y_stride + n] += sum_lanes(sum);
  }
}

// Weight rows [begin, end) one by one: those the Format takes by `row`, the others the plain way.
template <typename Format, typename Row>
FATHOM_INLINE void each_row_alone(const LinearArgs& args, const XBlock& block, int64_t begin, int64_t end,
                                  Row row) noexcept {
  if constexpr (Limited<Format>) {
    for (int64_t n = begin; n < end; ++n) {
      if (takes<Format>(args.w, n, n + 1, block)) {
        row(n);
      } else {
        plain_chunk<Format>(args, block, n);
      }
    }
  }
}

// A block of x, packed, kPackedColumns<Lane, rows> or kChunk<Lane> elements between rows.
template <typename Lane>
struct PackedX {
  XBlock block;
  const Lane* data;
};

// Columns that the direct path packs at once for m rows: whole chunks.
template <typename Lane, int m>
constexpr int64_t kPackedColumns =
    kDirectBytes / static_cast<int64_t>(sizeof(Lane)) / m / kChunk<Lane> * kChunk<Lane>;

// Weight rows [first, first + count) of a tile of n, each from the first packed column on. Places from
// `count` on repeat the last row; nothing reads their sums.
template <int n>
struct TileRows {
  int64_t first;
  int64_t count;
  RowCursor row[n];
};

template <typename Format, int n>
FATHOM_INLINE TileRows<n> tile_rows(const WeightView& w, int64_t first, int64_t end, int64_t k) noexcept {
  TileRows<n> rows;
  rows.first = first;
  rows.count = least(n, end - first);
  FATHOM_UNROLL
  for (int r = 0; r < n; ++r) rows.row[r] = row_cursor<Format>(w, least(first + r, end - 1), k);
  return rows;
}

// Adds to y the packed columns [begin, end), one chunk, of m rows of x times the weight rows.
template <typename Format, int m, int n>
FATHOM_INLINE void direct_chunk(const LinearArgs& args, const PackedX<typename Format::Lane>& x,
                                const TileRows<n>& rows, int64_t begin, int64_t end) noexcept {
  using Lane = typename Format::Lane;
  constexpr int64_t kGroup = Format::kGroup;
  constexpr int kVecs = kGroup / kLanes<Lane>;
  Vec acc[m][n];
  FATHOM_UNROLL
  for (int i = 0; i < m; ++i) {
    FATHOM_UNROLL
    for (int r = 0; r < n; ++r) acc[i][r] = zero();
  }
  const auto step = [&](int64_t g, int64_t left) FATHOM_INLINE_LAMBDA {
    FATHOM_UNROLL
    for (int r = 0; r < n; ++r) {
      OperandOf<Lane> w[kVecs];
      decode_group<Format>(rows.row[r], g, left, w);
      FATHOM_UNROLL
      for (int j = 0; j < kVecs; ++j) {
        FATHOM_UNROLL
        for (int i = 0; i < m; ++i) {
          acc[i][r] = dot(operand(x.data + i * kPackedColumns<Lane, m> + g * kGroup + j * kLanes<Lane>), w[j],
                          acc[i][r]);
        }
      }
    }
  };
  // A row is too short for the hardware to foresee the next one. Past the packed columns come the next tile's
  // rows.
  const int64_t row_bytes = bytes_of<Format>(x.block.count / kGroup * kGroup);
  const int64_t jump = n * bytes_of<Format>(args.w.cols) - row_bytes;
  const int64_t whole = end / kGroup;
  for (int64_t g = begin / kGroup; g < whole;) {
    int64_t ahead = g * Format::kGroupBytes + kPrefetchBytes;
    if (ahead >= row_bytes) ahead += jump;
    FATHOM_UNROLL
    for (int r = 0; r < n; ++r) prefetch_group<Format>(rows.row[r].bytes + ahead);
    const int64_t line_end = least(whole, g + groups_per_line<Format>());
    for (; g < line_end; ++g) step(g, kGroup);
  }
  if (whole * kGroup < end) step(whole, end - whole * kGroup);
  add_tile<m, n>(acc, rows.count, args.y + x.block.first * args.y_stride + rows.first, args.y_stride);
}

// The packed rows of x against weight rows [first, end), at most n.
template <typename Format, int m, int n>
FATHOM_INLINE void direct_tile(const LinearArgs& args, const PackedX<typename Format::Lane>& x, int64_t first,
                               int64_t end) noexcept {
  const TileRows<n> rows = tile_rows<Format, n>(args.w, first, end, x.block.k);
  constexpr int64_t kColumns = kChunk<typename Format::Lane>;
  for (int64_t c = 0; c < x.block.count; c += kColumns) {
    const int64_t chunk_end = least(c + kColumns, x.block.count);
    const XBlock chunk = {x.block.first, m, x.block.k + c, chunk_end - c};
    if (takes<Format>(args.w, first, first + rows.count, chunk)) {
      direct_chunk<Format, m, n>(args, x, rows, c, chunk_end);
      continue;
    }
    each_row_alone<Format>(args, chunk, first, first + rows.count, [&](int64_t r) {
      direct_chunk<Format, m, 1>(args, x, tile_rows<Format, 1>(args.w, r, r + 1, x.block.k), c, chunk_end);
    });
  }
}

// Calls panel(begin, end) for ranges of weight rows that share one packed x: all of them, or where the scales
// are in x, those of one scale block.
template <typename Format, typename Panel>
FATHOM_INLINE void for_panels(const LinearArgs& args, Panel panel) noexcept {
  for (int64_t begin = args.row_begin; begin < args.row_end;) {
    const int64_t end = Format::kScalesIn == ScalesIn::kX
                            ? least(args.row_end, (begin / kScaleBlock + 1) * kScaleBlock)
                            : args.row_end;
    panel(begin, end);
    begin = end;
  }
}

// Rows [first, first + m) of x, n weight rows a tile.
template <typename Format, int m, int n>
void direct(const LinearArgs& args, int64_t first) noexcept {
  using Lane = typename Format::Lane;
  constexpr int64_t kColumns = kPackedColumns<Lane, m>;
  alignas(64) Lane packed[m * kColumns];
  for (int64_t k = 0; k < args.w.cols; k += kColumns) {
    const XBlock block = {first, m, k, least(kColumns, args.w.cols - k)};
    const PackedX<Lane> x = {block, packed};
    for_panels<Format>(args, [&](int64_t begin, int64_t end) FATHOM_INLINE_LAMBDA {
      pack_x<Format>(args, block, begin, packed, kColumns);
      for (int64_t r = begin; r < end; r += n) direct_tile<Format, m, n>(args, x, r, end);
    });
  }
}

// Adds to y m rows of x times `count` <= kTileW weight rows over `columns` packed and decoded columns.
template <typename Lane, int m>
FATHOM_INLINE void block_tile(const Lane* x, const Lane* w, int64_t columns, int64_t count, float* y,
                              int64_t y_stride) noexcept {
  Vec acc[m][kTileW];
  for (int i = 0; i < m; ++i) {
    for (int r = 0; r < kTileW; ++r) acc[i][r] = zero();
  }
  for (int64_t k = 0; k < columns; k += kLanes<Lane>) {
    OperandOf<Lane> right[kTileW];
    for (int r = 0; r < kTileW; ++r) right[r] = operand(w + r * kChunk<Lane> + k);
    for (int i = 0; i < m; ++i) {
      const OperandOf<Lane> left = operand(x + i * kChunk<Lane> + k);
      for (int r = 0; r < kTileW; ++r) acc[i][r] = dot(left, right[r], acc[i][r]);
    }
  }
  add_tile<m, kTileW>(acc, count, y, y_stride);
}

template <typename Lane>
FATHOM_INLINE void block_tile_of(int64_t m, const Lane* x, const Lane* w, int64_t columns, int64_t count,
                                 float* y, int64_t y_stride) noexcept {
  if (m == kTileX) return block_tile<Lane, kTileX>(x, w, columns, count, y, y_stride);
  if (m == 1) return block_tile<Lane, 1>(x, w, columns, count, y, y_stride);
  if (m == 2) return block_tile<Lane, 2>(x, w, columns, count, y, y_stride);
  if constexpr (kTileX > 3) {
    if (m == 3) return block_tile<Lane, 3>(x, w, columns, count, y, y_stride);
    if (m == 4) return block_tile<Lane, 4>(x, w, columns, count, y, y_stride);
    if (m == 5) return block_tile<Lane, 5>(x, w, columns, count, y, y_stride);
  }
}

// Weight rows [first, end) of a strip; the last one is repeated to fill `places`.
struct Strip {
  int64_t first;
  int64_t end;
  int64_t places;
};

// The columns of `block`, decoded, `stride` elements between rows. `ahead` is the distance in bytes to what
// is decoded next.
template <typename Format, int64_t stride>
FATHOM_INLINE void decode_rows(const WeightView& w, const XBlock& block, const Strip& strip, int64_t ahead,
                               typename Format::Lane* out) noexcept {
  using Lane = typename Format::Lane;
  constexpr int64_t kGroup = Format::kGroup;
  constexpr int kVecs = kGroup / kLanes<Lane>;
  for (int64_t r = 0; r < strip.places; ++r) {
    const RowCursor row = row_cursor<Format>(w, least(strip.first + r, strip.end - 1), block.k);
    for (int64_t g = 0; g * kGroup < block.count; ++g) {
      if (g % groups_per_line<Format>() == 0)
        prefetch_group<Format>(row.bytes + g * Format::kGroupBytes + ahead);
      OperandOf<Lane> v[kVecs];
      decode_group<Format>(row, g, block.count - g * kGroup, v);
      for (int j = 0; j < kVecs; ++j) store_operand(out + r * stride + g * kGroup + j * kLanes<Lane>, v[j]);
    }
  }
}

// Packed x of one chunk against weight rows [first, end), at most kStripRows.
template <typename Format>
FATHOM_INLINE void block_strip(const LinearArgs& args, const PackedX<typename Format::Lane>& x, int64_t first,
                               int64_t end, int64_t ahead) noexcept {
  using Lane = typename Format::Lane;
  alignas(64) Lane strip[kStripRows * kChunk<Lane>];
  decode_rows<Format, kChunk<Lane>>(args.w, x.block, {first, end, round_up(end - first, kTileW)}, ahead,
                                    strip);
  const int64_t columns = round_up(x.block.count, Format::kGroup);
  for (int64_t i = 0; i < x.block.rows; i += kTileX) {
    float* y = args.y + (x.block.first + i) * args.y_stride + first;
    for (int64_t r = 0; r < end - first; r += kTileW) {
      block_tile_of<Lane>(least(kTileX, x.block.rows - i), x.data + i * kChunk<Lane>,
                          strip + r * kChunk<Lane>, columns, end - first - r, y + r, args.y_stride);
    }
  }
}

// As direct, for 1 ... kBlockRows rows of x.
template <typename Format>
void blocked(const LinearArgs& args, int64_t first, int64_t m) noexcept {
  using Lane = typename Format::Lane;
  constexpr int64_t kColumns = kChunk<Lane>;
  alignas(64) Lane packed[kBlockRows * kColumns];
  for (int64_t k = 0; k < args.w.cols; k += kColumns) {
    const XBlock block = {first, m, k, least(kColumns, args.w.cols - k)};
    const PackedX<Lane> x = {block, packed};
    for_panels<Format>(args, [&](int64_t begin, int64_t end) FATHOM_INLINE_LAMBDA {
      pack_x<Format>(args, block, begin, packed, kColumns);
      for (int64_t s = begin; s < end; s += kStripRows) {
        const int64_t strip_end = least(s + kStripRows, end);
        const int64_t ahead = (strip_end - s) * bytes_of<Format>(args.w.cols);
        if (takes<Format>(args.w, s, strip_end, block)) {
          block_strip<Format>(args, x, s, strip_end, ahead);
          continue;
        }
        each_row_alone<Format>(args, block, s, strip_end,
                               [&](int64_t r) { block_strip<Format>(args, x, r, r + 1, ahead); });
      }
    });
  }
}

// m rows of x from `first` on: direct when they are few, else blocked, m <= kBlockRows.
template <typename Format, int few = 1>
void rows_of_x(const LinearArgs& args, int64_t first, int64_t m) noexcept {
  if constexpr (few > Format::kDirectRows) {
    blocked<Format>(args, first, m);
  } else {
    // As many running sums as registers allow beside the decoder's constants.
    constexpr int kTileRows = few <= 2 || (kWidth == 16 && few <= 6) ? 4 : 2;
    if (m == few) return direct<Format, few, kTileRows>(args, first);
    rows_of_x<Format, few + 1>(args, first, m);
  }
}

FATHOM_INLINE void zero_products(const LinearArgs& args) noexcept {
  for (int64_t i = 0; i < args.m; ++i) {
    for (int64_t n = args.row_begin; n < args.row_end; ++n) args.y[i * args.y_stride + n] = 0.0F;
  }
}

template <typename Format>
void linear(const LinearArgs& args) noexcept {
  zero_products(args);
  // Blocks of equal size, in whole tiles, so that no small one is left over.
  const int64_t blocks = (args.m + kBlockRows - 1) / kBlockRows;
  const int64_t block = blocks == 0 ? 1 : least(kBlockRows, round_up((args.m + blocks - 1) / blocks, kTileX));
  for (int64_t first = 0; first < args.m; first += block) {
    rows_of_x<Format>(args, first, least(block, args.m - first));
  }
}

}  // namespace
}  // namespace fathom
