// SPDX-License-Identifier: MIT
// The operands of a product: x packed into the order a weight Format decodes in, weight rows decoded group by
// group. Internal linkage, always inlined (design.md 7); over the Vec of simd_<tier>.h, which the including
// file chose, with `operand` and `dot` for every element type that its Formats multiply.
//
// A Format has:
//   Lane                   what is multiplied: float, or uint16_t for the bits of bfloat16
//   kGroup, kGroupBytes    weights decoded at once, and their bytes
//   kScalesIn              where the scales go; kWeights: a group has one scale byte
//   kDirectRows            up to so many rows of x it is faster to decode in registers (bench/micro/linear)
//   one pack(x, factor, out)   a group of x in the Format's lane order, times factor and what decoding leaves
//   out
// and to decode a group, either
//   decode(bytes, scale, w)  all its vectors of Lane at once, in lane order, or
//   Line, line(bytes, scales, g), vec(line, j)  in steps: what all vectors share, then vector j, asked for in
//   order
// and, when the scales of a row are prepared a chunk at a time:
//   Scales, scales(bytes, count)  `count` columns' worth, for line()
// and, when it does not take every scale:
//   Plain                  the Format that does
//   takes(w, n, k, count)  whether it takes those of weight row n in these columns
// and, when few rows of x have a faster way of the same values and lane order:
//   Direct                 the Format of the direct path
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/simd_math.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

constexpr int64_t kScaleBlock = 128;  // FP8: rows and columns of a scale
constexpr int64_t kScaleGroup = 32;   // FP4: columns of a scale

// kX: multiplied into the packed x, which then serves one block row of weights. Both are exact.
enum class ScalesIn : uint8_t { kNone, kX, kWeights };

template <typename Lane>
constexpr int64_t kLanes = kWidth * static_cast<int64_t>(sizeof(float) / sizeof(Lane));
template <typename Lane>
using OperandOf = decltype(operand(static_cast<const Lane*>(nullptr)));

// Value of every ue8m0 byte; 255 (NaN) is refused at binding.
struct ScaleTable {
  float value[256];
};

constexpr ScaleTable make_scale_table() noexcept {
  ScaleTable table = {};
  float power = 0x1p-127F;
  for (int i = 0; i < 255; ++i) {
    table.value[i] = power;
    if (i < 254) power *= 2.0F;
  }
  table.value[255] = __builtin_nanf("");
  return table;
}

constexpr ScaleTable kScales = make_scale_table();

FATHOM_INLINE int64_t least(int64_t a, int64_t b) noexcept { return a < b ? a : b; }
FATHOM_INLINE int64_t round_up(int64_t n, int64_t step) noexcept { return (n + step - 1) / step * step; }

// The scale byte of weight row n and column k, and after it those of the columns to the right. Blocks of one
// row are those of FP4.
FATHOM_INLINE const uint8_t* scales_at(const WeightView& w, int64_t n, int64_t k) noexcept {
  if (w.block.rows == 1) return w.scales + n * ((w.cols + kScaleGroup - 1) / kScaleGroup) + k / kScaleGroup;
  return w.scales + n / kScaleBlock * ((w.cols + kScaleBlock - 1) / kScaleBlock) + k / kScaleBlock;
}

// A block of x: rows [first, first + rows), columns [k, k + count) of args.x.
struct XBlock {
  int64_t first;
  int64_t rows;
  int64_t k;
  int64_t count;
};

// The block to packed[row * stride ...], padded with zeros to whole groups; with the scales of weight row n
// where the Format wants them in x.
template <typename Format>
FATHOM_INLINE void pack_x(const LinearArgs& args, const XBlock& block, int64_t n,
                          typename Format::Lane* packed, int64_t stride) noexcept {
  constexpr int64_t kGroup = Format::kGroup;
  constexpr bool kScaled = Format::kScalesIn == ScalesIn::kX;
  const uint8_t* scales = kScaled ? scales_at(args.w, n, 0) : nullptr;
  for (int64_t i = 0; i < block.rows; ++i) {
    const float* x = args.x + (block.first + i) * args.x_stride + block.k;
    typename Format::Lane* out = packed + i * stride;
    int64_t g = 0;
    const auto factor = [&] { return kScaled ? kScales.value[scales[(block.k + g) / kScaleBlock]] : 1.0F; };
    for (; g + kGroup <= block.count; g += kGroup) Format::pack(x + g, factor(), out + g);
    if (g == block.count) continue;
    float rest[kGroup] = {};
    for (int64_t j = 0; g + j < block.count; ++j) rest[j] = x[g + j];
    Format::pack(rest, factor(), out + g);
  }
}

// Groups in a cache line, at least one.
template <typename Format>
constexpr int64_t groups_per_line() noexcept {
  return Format::kGroupBytes < 64 ? 64 / Format::kGroupBytes : 1;
}

// Bytes of n weights; n is a multiple of what shares a byte.
template <typename Format>
FATHOM_INLINE int64_t bytes_of(int64_t n) noexcept {
  return n * Format::kGroupBytes / Format::kGroup;
}

// The lines of a group. Never faults, so it may point past the matrix.
template <typename Format>
FATHOM_INLINE void prefetch_group(const uint8_t* p) noexcept {
  for (int64_t line = 0; line < Format::kGroupBytes; line += 64) __builtin_prefetch(p + line, 0, 3);
}

template <typename Format>
concept Stepwise = requires { typename Format::Line; };
template <typename Format>
concept PreparesScales = requires { typename Format::Scales; };

template <typename Format>
struct ScalesOf {
  using Type = const uint8_t*;
};
template <PreparesScales Format>
struct ScalesOf<Format> {
  using Type = typename Format::Scales;
};

// A row of weights from one column on.
struct RowCursor {
  const uint8_t* bytes;
  const uint8_t* scales;
};

template <typename Format>
FATHOM_INLINE RowCursor row_cursor(const WeightView& w, int64_t n, int64_t k) noexcept {
  return {static_cast<const uint8_t*>(w.data) + bytes_of<Format>(n * w.cols + k),
          Format::kScalesIn == ScalesIn::kWeights ? scales_at(w, n, k) : nullptr};
}

// One row of weights in `count` columns, `first` columns behind the cursor, a multiple of any scale's.
template <typename Format>
struct RowChunk {
  const uint8_t* bytes;
  typename ScalesOf<Format>::Type scales;
};

template <typename Format>
FATHOM_INLINE RowChunk<Format> row_chunk(const RowCursor& row, int64_t first, int64_t count) noexcept {
  const uint8_t* bytes = row.bytes + bytes_of<Format>(first);
  if constexpr (PreparesScales<Format>) {
    return {bytes, Format::scales(row.scales + first / kScaleGroup, count)};
  } else if constexpr (Format::kScalesIn == ScalesIn::kWeights) {
    return {bytes, row.scales + first / Format::kGroup};
  } else {
    return {bytes, nullptr};
  }
}

// Calls use(bytes) with the group at index g of a row; the last one may be shorter and is then read through a
// zeroed copy.
template <typename Format, typename Use>
FATHOM_INLINE auto with_group(const RowChunk<Format>& row, int64_t g, int64_t weights_left,
                              Use use) noexcept {
  const uint8_t* bytes = row.bytes + g * Format::kGroupBytes;
  if (weights_left >= Format::kGroup) return use(bytes);
  alignas(64) uint8_t padded[Format::kGroupBytes] = {};
  const int64_t bytes_left = bytes_of<Format>(weights_left);
  for (int64_t i = 0; i < bytes_left; ++i) padded[i] = bytes[i];
  return use(static_cast<const uint8_t*>(padded));
}

template <Stepwise Format>
FATHOM_INLINE typename Format::Line line_of(const RowChunk<Format>& row, int64_t g,
                                            int64_t weights_left) noexcept {
  return with_group<Format>(row, g, weights_left, [&](const uint8_t* bytes) FATHOM_INLINE_LAMBDA {
    return Format::line(bytes, row.scales, g);
  });
}

template <typename Format>
FATHOM_INLINE void decode_group(const RowChunk<Format>& row, int64_t g, int64_t weights_left,
                                OperandOf<typename Format::Lane>* w) noexcept {
  if constexpr (Stepwise<Format>) {
    typename Format::Line line = line_of<Format>(row, g, weights_left);
    FATHOM_UNROLL
    for (int j = 0; j < Format::kGroup / kLanes<typename Format::Lane>; ++j) w[j] = Format::vec(line, j);
  } else {
    with_group<Format>(row, g, weights_left, [&](const uint8_t* bytes) FATHOM_INLINE_LAMBDA {
      Format::decode(bytes, Format::kScalesIn == ScalesIn::kWeights ? row.scales + g : nullptr, w);
    });
  }
}

}  // namespace
}  // namespace fathom
