// SPDX-License-Identifier: MIT
// Matrix products on tiles: 16 x 32 weights times 32 x 16 of x, summed in 16 x 16 f32 (design.md 7), written
// over a Tiles, the instructions of tiles_amx.h or their emulation. Internal linkage, so that each including
// file has its own copy.
//
// Weights are the left operand, because their rows can be loaded as they are decoded; x is packed to pairs of
// columns, once per chunk, and the sums come out transposed. All products of all M take this way: every
// output is summed in chunks of kTileChunk columns counted from column 0; within a chunk block by block of 32
// columns, in the order of the instruction; the chunks' sums are added to y, in order (design.md 10.1). Takes
// 104 KiB of stack.
#pragma once

#include "kernels/linear_formats_bf16_pairs.h"
//
#include "kernels/linear_simd.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

constexpr int64_t kTile = 16;         // rows of a tile
constexpr int64_t kTileColumns = 32;  // columns of a tile of weights
constexpr int64_t kTileWords = kTile * kTileColumns;
constexpr int64_t kTileChunk = 512;  // strip of weights 32 KB
constexpr int64_t kTileBlocks = kTileChunk / kTileColumns;
constexpr int64_t kTileStrip = 2 * kTile;  // weight rows; two by two tiles of sums are kept
constexpr int64_t kTileXRows = 4 * kTile;  // rows of x a block: packed 64 KB

// v[i] lane j <-> v[j] lane i.
FATHOM_INLINE void transpose(__m512i* v) noexcept {
  __m512i a[16];
  for (int i = 0; i < 16; i += 2) {
    a[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    a[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
  __m512i b[16];
  for (int i = 0; i < 16; i += 4) {
    b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
    b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
    b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
    b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
  }
  // b[4 q + r] lane 4 L + s is v[4 q + s] lane 4 L + r; now q and L change places.
  for (int r = 0; r < 4; ++r) {
    const __m512i low_01 = _mm512_shuffle_i32x4(b[r], b[4 + r], 0x88);
    const __m512i high_01 = _mm512_shuffle_i32x4(b[r], b[4 + r], 0xdd);
    const __m512i low_23 = _mm512_shuffle_i32x4(b[8 + r], b[12 + r], 0x88);
    const __m512i high_23 = _mm512_shuffle_i32x4(b[8 + r], b[12 + r], 0xdd);
    v[r] = _mm512_shuffle_i32x4(low_01, low_23, 0x88);
    v[8 + r] = _mm512_shuffle_i32x4(low_01, low_23, 0xdd);
    v[4 + r] = _mm512_shuffle_i32x4(high_01, high_23, 0x88);
    v[12 + r] = _mm512_shuffle_i32x4(high_01, high_23, 0xdd);
  }
}

// A block of x as tiles: [x tile][block of 32 columns][pair of columns][row], rows and columns that are not
// there as zeros.
template <typename Format>
void pack_tiles(const LinearArgs& args, const XBlock& block, uint16_t* packed) noexcept {
  constexpr int64_t kGroup = Format::kGroup;
  alignas(64) uint16_t rows[kTile * kGroup];
  for (int64_t first = 0; first < block.rows; first += kTile) {
    const int64_t count = least(kTile, block.rows - first);
    for (int64_t i = count * kGroup; i < kTile * kGroup; ++i) rows[i] = 0;
    uint16_t* tiles = packed + first / kTile * kTileBlocks * kTileWords;
    for (int64_t g = 0; g < block.count; g += kGroup) {
      const XBlock group = {block.first + first, count, block.k + g, least(kGroup, block.count - g)};
      pack_x<Format>(args, group, 0, rows, kGroup);
      for (int64_t c = 0; c < kGroup; c += kTileColumns) {
        __m512i v[kTile];
        for (int64_t i = 0; i < kTile; ++i) v[i] = operand(rows + i * kGroup + c);
        transpose(v);
        uint16_t* out = tiles + (g + c) / kTileColumns * kTileWords;
        for (int64_t i = 0; i < kTile; ++i) store_operand(out + i * kTileColumns, v[i]);
      }
    }
  }
}

// y[i, n] += sums[n][i] for i < m, n < count.
FATHOM_INLINE void add_transposed(const float* sums, int64_t m, int64_t count, float* y,
                                  int64_t y_stride) noexcept {
  __m512i v[kTile];
  for (int64_t n = 0; n < kTile; ++n) v[n] = _mm512_loadu_si512(sums + n * kTile);
  transpose(v);
  const __mmask16 lanes = first_lanes(count);
  for (int64_t i = 0; i < m; ++i) {
    float* row = y + i * y_stride;
    const Vec sum = add(_mm512_maskz_loadu_ps(lanes, row), _mm512_castsi512_ps(v[i]));
    _mm512_mask_storeu_ps(row, lanes, sum);
  }
}

// Adds to y `w_tiles` by `x_tiles` tiles of products over `blocks` blocks of columns.
template <typename Tiles, int w_tiles, int x_tiles>
FATHOM_INLINE void multiply_tiles(Tiles& tiles, const uint16_t* w, const uint16_t* x, int64_t blocks,
                                  float* sums) noexcept {
  tiles.zero_sums();
  for (int64_t b = 0; b < blocks; ++b) {
    tiles.template load_x<0>(x + b * kTileWords);
    if (x_tiles > 1) tiles.template load_x<1>(x + (kTileBlocks + b) * kTileWords);
    tiles.template load_w<0>(w + b * kTileColumns);
    tiles.template multiply<0, 0>();
    if (x_tiles > 1) tiles.template multiply<0, 1>();
    if (w_tiles > 1) {
      tiles.template load_w<1>(w + kTile * kTileChunk + b * kTileColumns);
      tiles.template multiply<1, 0>();
      if (x_tiles > 1) tiles.template multiply<1, 1>();
    }
  }
  tiles.template store_sums<0, 0>(sums);
  if (x_tiles > 1) tiles.template store_sums<0, 1>(sums + kTile * kTile);
  if (w_tiles > 1) {
    tiles.template store_sums<1, 0>(sums + 2 * kTile * kTile);
    if (x_tiles > 1) tiles.template store_sums<1, 1>(sums + 3 * kTile * kTile);
  }
}

// Packed tiles of x against weight rows [first, end), at most kTileStrip.
template <typename Format, typename Tiles>
void tile_strip(Tiles& tiles, const LinearArgs& args, const PackedX<uint16_t>& x, int64_t first,
                int64_t end) noexcept {
  alignas(64) uint16_t strip[kTileStrip * kTileChunk];
  alignas(64) float sums[4 * kTile * kTile];
  const bool two = end - first > kTile;
  const int64_t ahead = kTileStrip * bytes_of<Format>(args.w.cols);
  decode_rows<Format, kTileChunk>(args.w, x.block, {first, end, two ? kTileStrip : kTile}, ahead, strip);
  const int64_t blocks = round_up(x.block.count, Format::kGroup) / kTileColumns;
  for (int64_t i = 0; i < x.block.rows; i += 2 * kTile) {
    const uint16_t* packed = x.data + i / kTile * kTileBlocks * kTileWords;
    const bool pair = x.block.rows - i > kTile;
    if (two && pair) multiply_tiles<Tiles, 2, 2>(tiles, strip, packed, blocks, sums);
    if (two && !pair) multiply_tiles<Tiles, 2, 1>(tiles, strip, packed, blocks, sums);
    if (!two && pair) multiply_tiles<Tiles, 1, 2>(tiles, strip, packed, blocks, sums);
    if (!two && !pair) multiply_tiles<Tiles, 1, 1>(tiles, strip, packed, blocks, sums);
    for (int64_t t = 0; t < 4; ++t) {
      const int64_t row = first + t / 2 * kTile;
      const int64_t column = i + t % 2 * kTile;
      if (row >= end || column >= x.block.rows) continue;
      add_transposed(sums + t * kTile * kTile, least(kTile, x.block.rows - column), least(kTile, end - row),
                     args.y + (x.block.first + column) * args.y_stride + row, args.y_stride);
    }
  }
}

template <typename Format, typename Tiles>
void tile_linear(const LinearArgs& args) noexcept {
  zero_products(args);
  Tiles tiles;
  alignas(64) uint16_t packed[kTileXRows * kTileChunk];
  for (int64_t first = 0; first < args.m; first += kTileXRows) {
    for (int64_t k = 0; k < args.w.cols; k += kTileChunk) {
      const XBlock block = {first, least(kTileXRows, args.m - first), k, least(kTileChunk, args.w.cols - k)};
      const PackedX<uint16_t> x = {block, packed, 0};  // tiles, not rows
      pack_tiles<Format>(args, block, packed);
      for (int64_t s = args.row_begin; s < args.row_end; s += kTileStrip) {
        const int64_t end = least(s + kTileStrip, args.row_end);
        if (takes<Format>(args.w, s, end, block)) {
          tile_strip<Format>(tiles, args, x, s, end);
          continue;
        }
        each_row_alone<Format>(args, block, s, end,
                               [&](int64_t n) { tile_strip<Format>(tiles, args, x, n, n + 1); });
      }
    }
  }
}

}  // namespace
}  // namespace fathom
