// SPDX-License-Identifier: MIT
// Matrix products of every SIMD tier, written once over the Vec of simd_<tier>.h and a weight Format of
// linear_operands_simd.h. Internal linkage, so each tier has its own copy (design.md 7).
//
// Every output is summed in chunks of kChunk columns counted from column 0: within a chunk running sums of
// kWidth lanes over k, in order, one over all vectors or two that take turns, then their sum and the tree of
// sum_lanes; the chunks' sums are added to y, in order. That expression is the same for any number of rows,
// any row range and either path below (design.md 10.1). A worker's stack is 256 KiB (reliability.md R-6); the
// blocked path takes 168 KiB of it.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/linear_operands_simd.h"
#include "kernels/simd_math.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

template <typename Lane>
constexpr int64_t kChunk = 2048 / static_cast<int64_t>(sizeof(Lane));

// Packed x, several chunks of few rows or one of many: it stays in L2.
constexpr int64_t kPackedBytes = 72 * 2048;
// A line more than the columns, so that packed rows do not share the sets of a cache.
template <typename Lane>
constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(Lane));
// Direct path, few rows of x: weights are decoded in registers, for so many rows of x at a time.
constexpr int kGroupX = kWidth == 16 ? 4 : 2;
constexpr int kStreams = 4;               // of weights, read at once
constexpr int64_t kPieceBytes = 32768;    // of packed x that shall stay in L1
constexpr int64_t kPrefetchBytes = 2048;  // the best of 512 ... 4096 for one row of x and every format
// Blocked path: a strip of weights is decoded to memory once per kBlockRows rows of x.
constexpr int64_t kBlockRows = 72;
constexpr int64_t kStripRows = 8;             // a chunk of a strip: 16 KB, which stays in L1 beside an x tile
constexpr int kTileW = 4;                     // weight rows a register tile
constexpr int kTileX = kWidth == 16 ? 6 : 3;  // rows of x a register tile; 24 or 12 running sums

template <int m, int n>
FATHOM_INLINE void zero_sums(Vec (*acc)[n]) noexcept {
  FATHOM_UNROLL
  for (int i = 0; i < m; ++i) {
    FATHOM_UNROLL
    for (int r = 0; r < n; ++r) acc[i][r] = zero();
  }
}

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

// The first weight row after n that has other scales.
FATHOM_INLINE int64_t next_scale_row(const WeightView& w, int64_t n) noexcept {
  return w.block.rows == 1 ? n + 1 : (n / kScaleBlock + 1) * kScaleBlock;
}

// Whether the Format takes the scales of weight rows [begin, end) in the columns of `block`.
template <typename Format>
FATHOM_INLINE bool takes(const WeightView& w, int64_t begin, int64_t end, const XBlock& block) noexcept {
  if constexpr (Limited<Format>) {
    for (int64_t n = begin; n < end; n = next_scale_row(w, n)) {
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
    const RowChunk<Plain> row = row_chunk<Plain>(row_cursor<Plain>(args.w, n, block.k), 0, block.count);
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

// A block of x, packed, `stride` elements between rows.
template <typename Lane>
struct PackedX {
  XBlock block;
  const Lane* data;
  int64_t stride;
};

// The chunk at column c.
template <typename Lane>
FATHOM_INLINE PackedX<Lane> chunk_at(const PackedX<Lane>& x, int64_t c) noexcept {
  const XBlock chunk = {x.block.first, x.block.rows, x.block.k + c, least(kChunk<Lane>, x.block.count - c)};
  return {chunk, x.data + c, x.stride};
}

// Weight rows first, first + step, ... of a tile of n, from the first packed column on: n streams that a core
// reads at once, each row after row. Places from `count` on repeat the last row of all; nothing reads their
// sums.
template <int n>
struct TileRows {
  int64_t first;
  int64_t step;
  int64_t count;
  RowCursor row[n];
};

template <typename Format, int n>
FATHOM_INLINE TileRows<n> tile_rows(const WeightView& w, int64_t first, int64_t step, int64_t end,
                                    int64_t k) noexcept {
  TileRows<n> rows;
  rows.first = first;
  rows.step = step;
  rows.count = least(n, (end - first + step - 1) / step);
  FATHOM_UNROLL
  for (int r = 0; r < n; ++r) rows.row[r] = row_cursor<Format>(w, least(first + r * step, end - 1), k);
  return rows;
}

// The rows of a tile in one chunk.
template <typename Format, int n>
struct TileChunk {
  RowChunk<Format> row[n];
};

// Whether the Format takes all its scales.
template <typename Format, int n>
FATHOM_INLINE bool takes(const WeightView& w, const TileRows<n>& rows, const TileChunk<Format, n>& tile,
                         const XBlock& chunk) noexcept {
  if constexpr (Limited<Format> && PreparesScales<Format>) {
    typename Format::Scales all = tile.row[0].scales;
    FATHOM_UNROLL
    for (int r = 1; r < n; ++r) all = Format::worst(all, tile.row[r].scales);
    return Format::takes(all);
  } else {
    for (int64_t r = 0; r < rows.count; ++r) {
      const int64_t row = rows.first + r * rows.step;
      if (!takes<Format>(w, row, row + 1, chunk)) return false;
    }
    return true;
  }
}

// Adds to acc the products of m rows of x, packed `stride` elements apart, with the groups at g of weight
// rows [first, first + rows) of a tile: vector by vector, so that one of x serves all of them.
template <typename Format, int m, int n, int first, int rows>
FATHOM_INLINE void step_group(const typename Format::Lane* x, int64_t stride,
                              const TileChunk<Format, n>& tile, int64_t g, int64_t left,
                              Vec (*acc)[n]) noexcept {
  using Lane = typename Format::Lane;
  typename Format::Line line[rows];
  FATHOM_UNROLL
  for (int r = 0; r < rows; ++r) line[r] = line_of<Format>(tile.row[first + r], g, left);
  FATHOM_UNROLL
  for (int j = 0; j < Format::kGroup / kLanes<Lane>; ++j) {
    OperandOf<Lane> w[rows];
    FATHOM_UNROLL
    for (int r = 0; r < rows; ++r) w[r] = Format::vec(line[r], j);
    FATHOM_UNROLL
    for (int i = 0; i < m; ++i) {
      const OperandOf<Lane> v = operand(x + i * stride + j * kLanes<Lane>);
      FATHOM_UNROLL
      for (int r = 0; r < rows; ++r) acc[i][first + r] = dot(v, w[r], acc[i][first + r]);
    }
  }
}

// The same for all rows of a tile.
template <typename Format, int m, int n>
FATHOM_INLINE void direct_group(const typename Format::Lane* x, int64_t stride,
                                const TileChunk<Format, n>& tile, int64_t g, int64_t left,
                                Vec (*acc)[n]) noexcept {
  using Lane = typename Format::Lane;
  constexpr int kVecs = Format::kGroup / kLanes<Lane>;
  if constexpr (Stepwise<Format> && n == 4 && m > 2) {
    // As many rows as registers hold beside the running sums.
    step_group<Format, m, n, 0, 2>(x, stride, tile, g, left, acc);
    step_group<Format, m, n, 2, 2>(x, stride, tile, g, left, acc);
  } else if constexpr (Stepwise<Format>) {
    step_group<Format, m, n, 0, n>(x, stride, tile, g, left, acc);
  } else {
    FATHOM_UNROLL
    for (int r = 0; r < n; ++r) {
      OperandOf<Lane> w[kVecs];
      decode_group<Format>(tile.row[r], g, left, w);
      FATHOM_UNROLL
      for (int j = 0; j < kVecs; ++j) {
        FATHOM_UNROLL
        for (int i = 0; i < m; ++i) {
          acc[i][r] = dot(operand(x + i * stride + j * kLanes<Lane>), w[j], acc[i][r]);
        }
      }
    }
  }
}

// What is read after a stream's row: from byte `turn` of the chunk on, `jump` further.
struct Ahead {
  int64_t turn;
  int64_t jump;
};

// acc = one chunk of m rows of x, which `x` points to, times a tile.
template <typename Format, int m, int n>
FATHOM_INLINE void direct_chunk(const PackedX<typename Format::Lane>& x, const TileChunk<Format, n>& tile,
                                const Ahead& ahead, Vec (*acc)[n]) noexcept {
  constexpr int64_t kGroup = Format::kGroup;
  zero_sums<m, n>(acc);
  const int64_t whole = x.block.count / kGroup;
  for (int64_t g = 0; g < whole; ++g) {
    if (g % groups_per_line<Format>() == 0) {
      const int64_t at = g * Format::kGroupBytes;
      const int64_t distance = at + kPrefetchBytes + (at + kPrefetchBytes >= ahead.turn ? ahead.jump : 0);
      FATHOM_UNROLL
      for (int r = 0; r < n; ++r) prefetch_group<Format>(tile.row[r].bytes + distance);
    }
    direct_group<Format, m, n>(x.data + g * kGroup, x.stride, tile, g, kGroup, acc);
  }
  const int64_t left = x.block.count - whole * kGroup;
  if (left > 0) direct_group<Format, m, n>(x.data + whole * kGroup, x.stride, tile, whole, left, acc);
}

// y[i, rows] += sum over the lanes of acc[i][r].
template <int m, int n>
FATHOM_INLINE void add_streams(const Vec (*acc)[n], const TileRows<n>& rows, float* y,
                               int64_t stride) noexcept {
  FATHOM_UNROLL
  for (int i = 0; i < m; ++i) {
    float sums[4] = {};
    if constexpr (n == 4) {
      sum_lanes_4(acc[i], sums);
    } else {
      FATHOM_UNROLL
      for (int r = 0; r < n; ++r) sums[r] = sum_lanes(acc[i][r]);
    }
    for (int64_t r = 0; r < rows.count; ++r) y[i * stride + rows.first + r * rows.step] += sums[r];
  }
}

// Adds to y one chunk of rows of x, few ... kGroupX, times a tile.
template <typename Format, int n, int few = 1>
FATHOM_INLINE void direct_few(const LinearArgs& args, const PackedX<typename Format::Lane>& x,
                              const TileRows<n>& rows, const TileChunk<Format, n>& tile,
                              const Ahead& ahead) noexcept {
  if constexpr (few < kGroupX) {
    if (x.block.rows > few) return direct_few<Format, n, few + 1>(args, x, rows, tile, ahead);
  }
  Vec acc[few][n];
  direct_chunk<Format, few, n>(x, tile, ahead, acc);
  add_streams<few, n>(acc, rows, args.y + x.block.first * args.y_stride, args.y_stride);
}

// Adds to y one chunk of x times a tile, in groups of nearly equal numbers of rows.
template <typename Format, int n>
FATHOM_INLINE void direct_groups(const LinearArgs& args, const PackedX<typename Format::Lane>& x,
                                 const TileRows<n>& rows, const TileChunk<Format, n>& tile,
                                 const Ahead& ahead) noexcept {
  const int64_t groups = (x.block.rows + kGroupX - 1) / kGroupX;
  for (int64_t begin = 0, i = 0; i < groups; ++i) {
    const int64_t end = x.block.rows * (i + 1) / groups;
    const XBlock block = {x.block.first + begin, end - begin, x.block.k, x.block.count};
    const PackedX<typename Format::Lane> group = {block, x.data + begin * x.stride, x.stride};
    direct_few<Format, n>(args, group, rows, tile, ahead);
    begin = end;
  }
}

// The packed rows of x against the rows of a tile, after which each stream goes on `jump` bytes behind them.
template <typename Format, int n>
FATHOM_INLINE void direct_tile(const LinearArgs& args, const PackedX<typename Format::Lane>& x,
                               const TileRows<n>& rows, int64_t jump) noexcept {
  constexpr int64_t kColumns = kChunk<typename Format::Lane>;
  for (int64_t c = 0; c < x.block.count; c += kColumns) {
    const PackedX<typename Format::Lane> part = chunk_at(x, c);
    const Ahead ahead = {bytes_of<Format>(x.block.count - c), jump};
    TileChunk<Format, n> tile;
    FATHOM_UNROLL
    for (int r = 0; r < n; ++r) tile.row[r] = row_chunk<Format>(rows.row[r], c, part.block.count);
    if (takes<Format, n>(args.w, rows, tile, part.block)) {
      direct_groups<Format, n>(args, part, rows, tile, ahead);
      continue;
    }
    for (int64_t i = 0; i < rows.count; ++i) {
      const int64_t row = rows.first + i * rows.step;
      each_row_alone<Format>(args, part.block, row, row + 1, [&](int64_t r) {
        const TileRows<1> one = tile_rows<Format, 1>(args.w, r, 1, r + 1, x.block.k);
        direct_groups<Format, 1>(args, part, one, {{row_chunk<Format>(one.row[0], c, part.block.count)}},
                                 ahead);
      });
    }
  }
}

// The packed rows of x against weight rows [begin, end), as n streams of equal length.
template <typename Format, int n>
FATHOM_INLINE void direct_rows(const LinearArgs& args, const PackedX<typename Format::Lane>& x, int64_t begin,
                               int64_t end) noexcept {
  const int64_t step = (end - begin + n - 1) / n;
  const int64_t row_bytes = bytes_of<Format>(args.w.cols);
  for (int64_t t = 0; t < step; ++t) {
    // After its last row a stream goes on behind all of them.
    const int64_t rows_on = t + 1 < step ? 1 : end - begin - step + 1;
    const int64_t jump = rows_on * row_bytes - bytes_of<Format>(x.block.count);
    direct_tile<Format, n>(args, x, tile_rows<Format, n>(args.w, begin + t, step, end, x.block.k), jump);
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

// Calls multiply(x, begin, end) with rows [first, first + m) of x, packed into at most `bytes`, m <=
// kBlockRows, for ranges of columns and of weight rows that cover all.
template <typename Format, typename Multiply>
FATHOM_INLINE void for_packed(const LinearArgs& args, int64_t first, int64_t m, int64_t bytes,
                              Multiply multiply) noexcept {
  using Lane = typename Format::Lane;
  alignas(64) Lane packed[kPackedBytes / static_cast<int64_t>(sizeof(Lane)) + kBlockRows * kLine<Lane>];
  const int64_t columns = bytes / static_cast<int64_t>(sizeof(Lane)) / kChunk<Lane> / m * kChunk<Lane>;
  for (int64_t k = 0; k < args.w.cols; k += columns) {
    const XBlock block = {first, m, k, least(columns, args.w.cols - k)};
    const PackedX<Lane> x = {block, packed, round_up(block.count, Format::kGroup) + kLine<Lane>};
    for_panels<Format>(args, [&](int64_t begin, int64_t end) FATHOM_INLINE_LAMBDA {
      pack_x<Format>(args, block, begin, packed, x.stride);
      multiply(x, begin, end);
    });
  }
}

// Whether m rows of x as f32 are better kept in L1: in pieces, against weight rows that lie together.
template <typename Format>
constexpr bool in_pieces(int64_t m) noexcept {
  return sizeof(typename Format::Lane) == sizeof(float) && m > 2;
}

template <typename Format>
void direct(const LinearArgs& args, int64_t first, int64_t m) noexcept {
  using Lane = typename Format::Lane;
  const int64_t bytes = in_pieces<Format>(m) ? kPieceBytes : kPackedBytes;
  for_packed<Format>(args, first, m, bytes,
                     [&](const PackedX<Lane>& x, int64_t begin, int64_t end) FATHOM_INLINE_LAMBDA {
                       const int64_t rows = in_pieces<Format>(m) ? kStreams : end - begin;
                       for (int64_t n = begin; n < end; n += rows)
                         direct_rows<Format, kStreams>(args, x, n, least(n + rows, end));
                     });
}

// Packed rows of x and decoded weight rows, at most kTileW, over `columns` columns.
template <typename Lane>
struct BlockTile {
  const Lane* x;
  int64_t x_stride;
  const Lane* w;
  int64_t columns;
  int64_t count;
};

// Adds to y m rows of x times the weight rows of a tile.
template <typename Format, int m>
FATHOM_INLINE void block_tile(const BlockTile<typename Format::Lane>& tile, float* y,
                              int64_t y_stride) noexcept {
  using Lane = typename Format::Lane;
  Vec acc[m][kTileW];
  zero_sums<m, kTileW>(acc);
  for (int64_t k = 0; k < tile.columns; k += kLanes<Lane>) {
    OperandOf<Lane> right[kTileW];
    for (int r = 0; r < kTileW; ++r) right[r] = operand(tile.w + r * kChunk<Lane> + k);
    for (int i = 0; i < m; ++i) {
      const OperandOf<Lane> left = operand(tile.x + i * tile.x_stride + k);
      for (int r = 0; r < kTileW; ++r) acc[i][r] = dot(left, right[r], acc[i][r]);
    }
  }
  add_tile<m, kTileW>(acc, tile.count, y, y_stride);
}

template <typename Format, int few = 1>
FATHOM_INLINE void block_tile_of(int64_t m, const BlockTile<typename Format::Lane>& tile, float* y,
                                 int64_t y_stride) noexcept {
  if constexpr (few < kTileX) {
    if (m == few) return block_tile<Format, few>(tile, y, y_stride);
    block_tile_of<Format, few + 1>(m, tile, y, y_stride);
  } else {
    block_tile<Format, few>(tile, y, y_stride);
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
    const RowCursor cursor = row_cursor<Format>(w, least(strip.first + r, strip.end - 1), block.k);
    const RowChunk<Format> row = row_chunk<Format>(cursor, 0, block.count);
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
      const BlockTile<Lane> tile = {x.data + i * x.stride, x.stride, strip + r * kChunk<Lane>, columns,
                                    end - first - r};
      block_tile_of<Format>(least(kTileX, x.block.rows - i), tile, y + r, args.y_stride);
    }
  }
}

// The packed x against weight rows [first, end), at most kStripRows, chunk by chunk.
template <typename Format>
FATHOM_INLINE void block_rows(const LinearArgs& args, const PackedX<typename Format::Lane>& x, int64_t first,
                              int64_t end) noexcept {
  constexpr int64_t kColumns = kChunk<typename Format::Lane>;
  for (int64_t c = 0; c < x.block.count; c += kColumns) {
    const PackedX<typename Format::Lane> part = chunk_at(x, c);
    // The next chunk of these rows, or the first one of the next.
    const int64_t ahead = c + kColumns < x.block.count ? bytes_of<Format>(kColumns)
                                                       : bytes_of<Format>((end - first) * args.w.cols - c);
    if (takes<Format>(args.w, first, end, part.block)) {
      block_strip<Format>(args, part, first, end, ahead);
    } else {
      each_row_alone<Format>(args, part.block, first, end,
                             [&](int64_t r) { block_strip<Format>(args, part, r, r + 1, ahead); });
    }
  }
}

template <typename Format>
void blocked(const LinearArgs& args, int64_t first, int64_t m) noexcept {
  using Lane = typename Format::Lane;
  for_packed<Format>(args, first, m, kPackedBytes,
                     [&](const PackedX<Lane>& x, int64_t begin, int64_t end) FATHOM_INLINE_LAMBDA {
                       for (int64_t s = begin; s < end; s += kStripRows)
                         block_rows<Format>(args, x, s, least(s + kStripRows, end));
                     });
}

// The Format of the direct path.
template <typename Format>
struct DirectOf {
  using Type = Format;
};
template <typename Format>
  requires requires { typename Format::Direct; }
struct DirectOf<Format> {
  using Type = typename Format::Direct;
};

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
    const int64_t m = least(block, args.m - first);
    if (m <= Format::kDirectRows) {
      direct<typename DirectOf<Format>::Type>(args, first, m);
    } else {
      blocked<Format>(args, first, m);
    }
  }
}

}  // namespace
}  // namespace fathom
