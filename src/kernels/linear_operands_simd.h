// SPDX-License-Identifier: MIT
// The operands of a product: x packed into the order a weight Format decodes in, weight rows decoded group by
// group. Internal linkage, always inlined (design.md 7); over the Vec of simd_<tier>.h, which the including
// file chose.
//
// A Format has:
//   kGroupBytes            bytes of kGroup weights
//   kScalesPerGroup        scale bytes of its own a group has (FP4: 1, others: 0)
//   decode(bytes, scale, w)  kGroup weights as kVecs vectors, in the Format's lane order
//   pack(v, factor)        kVecs vectors of x in natural order to that order, times what decode leaves out
#pragma once

#include "kernels/kernel_table.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

constexpr int64_t kGroup = 32;  // an FP4 scale group
constexpr int64_t kVecs = kGroup / kWidth;
constexpr int64_t kScaleBlock = 128;  // FP8: rows and columns of a scale

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

// Columns [k, k + count) of x rows [first, first + rows) to packed[row * stride ...], for weight rows of
// `scale_row`.
template <typename Format>
FATHOM_INLINE void pack_x(const LinearArgs& args, int64_t first, int64_t rows, int64_t k, int64_t count,
                          const uint8_t* scale_row, float* packed, int64_t stride) noexcept {
  for (int64_t i = 0; i < rows; ++i) {
    const float* x = args.x + (first + i) * args.x_stride + k;
    float* out = packed + i * stride;
    for (int64_t g = 0; g < count; g += kGroup) {
      Vec v[kVecs];
      for (int64_t j = 0; j < kVecs; ++j) {
        const int64_t left = count - g - j * kWidth;
        const float* p = x + g + j * kWidth;
        v[j] = left >= kWidth ? load(p) : left > 0 ? load_partial(p, left) : zero();
      }
      Format::pack(v, scale_row == nullptr ? 1.0F : kScales.value[scale_row[(k + g) / kScaleBlock]]);
      for (int64_t j = 0; j < kVecs; ++j) store(out + g + j * kWidth, v[j]);
    }
  }
}

// Groups in a cache line, at least one.
template <typename Format>
constexpr int64_t groups_per_line() noexcept {
  return Format::kGroupBytes < 64 ? 64 / Format::kGroupBytes : 1;
}

template <typename Format>
FATHOM_INLINE int64_t row_bytes(const WeightView& w) noexcept {
  return w.cols * Format::kGroupBytes / kGroup;
}

// Never faults, so it may point past the matrix.
FATHOM_INLINE void prefetch(const uint8_t* p) noexcept {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
}

// One row of weights from column k on.
struct RowCursor {
  const uint8_t* bytes;
  const uint8_t* scale;
};

template <typename Format>
FATHOM_INLINE RowCursor row_cursor(const WeightView& w, int64_t n, int64_t k) noexcept {
  const auto* data = static_cast<const uint8_t*>(w.data);
  return {data + (n * w.cols + k) * Format::kGroupBytes / kGroup,
          w.scales + (n * (w.cols / kGroup) + k / kGroup) * Format::kScalesPerGroup};
}

// The group at group index g of a row; the last one may be shorter and is then read through a zeroed copy.
template <typename Format>
FATHOM_INLINE void decode_group(const RowCursor& row, int64_t g, int64_t weights_left, Vec* w) noexcept {
  const uint8_t* bytes = row.bytes + g * Format::kGroupBytes;
  const uint8_t* scale = row.scale + g * Format::kScalesPerGroup;
  if (weights_left >= kGroup) return Format::decode(bytes, scale, w);
  alignas(64) uint8_t padded[Format::kGroupBytes] = {};
  const int64_t bytes_left = weights_left * Format::kGroupBytes / kGroup;
  for (int64_t i = 0; i < bytes_left; ++i) padded[i] = bytes[i];
  Format::decode(padded, scale, w);
}

// Scale bytes of the FP8 block row that holds weight row n; null for the other formats.
FATHOM_INLINE const uint8_t* fp8_scale_row(const WeightView& w, int64_t n) noexcept {
  if (w.format != WeightFormat::kFp8E4m3) return nullptr;
  return w.scales + n / kScaleBlock * ((w.cols + kScaleBlock - 1) / kScaleBlock);
}

}  // namespace
}  // namespace fathom
