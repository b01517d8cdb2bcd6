// SPDX-License-Identifier: MIT
// Lightning indexer scores of every SIMD tier, written once over the Vec of simd_<tier>.h and the int8
// products of the including file, which came before this one. Internal linkage, so each tier has its own copy
// (design.md 7).
//
// Heads lie in lanes, so a key is read once for all of them and no sum over lanes runs before the last. A dot
// product is the sum, in group order, of the sums over its groups of 32 channels. For e2m1 operands a group's
// sum is a whole number (at most 4608) times a power of two: exact in f32 and in int8 products alike, so both
// forms give equal bits. Then lane sums over the heads, and the tree of sum_lanes.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/quantize_simd.h"
#include "kernels/simd_math.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// Register tiles: keys * vectors of heads, each with a group's sum and the sum so far; 32 or 16 registers.
constexpr int64_t kTileKeys = 4;  // summed over lanes together
constexpr int kKeysAtOnce = kIndexRegisters == 32 ? 4 : 2;
constexpr int kHeadVecs = kIndexRegisters == 32 ? 4 : 2;
constexpr int64_t kGroup = 32;  // channels under one scale
constexpr int64_t kSpanBytes = 2 * kUnpackedBytes;
constexpr int64_t kGroupQuads = 8;  // of four channels, multiplied and summed by one instruction or two

FATHOM_INLINE int64_t round_up(int64_t n, int64_t to) noexcept { return (n + to - 1) / to * to; }

FATHOM_INLINE uint8_t* align_line(void* p) noexcept {
  return reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(p) + 63) & ~uintptr_t{63});
}

// A prepared query in its parts, each from a cache line on: a vector that lies across two costs two loads.
// Heads are padded to whole vectors; padding has weight 0.
struct IndexLayout {
  int64_t heads;   // padded
  int64_t groups;  // of kGroup channels
  int64_t dim;
  float* weights;
  // f32: q[channel][head].
  float* channels;
  // e2m1: per group and head a quarter of the scale, since both codes are doubled; the start of its integer
  // sum; and the doubled codes [group][quad][head][4], the quads of even channels before those of odd ones.
  float* scales;
  int32_t* starts;
  int8_t* codes;
  // Scratch of the scan: scales [group][kTileKeys], unpacked codes [span][kTileKeys][kSpanBytes].
  float* key_scales;
  uint8_t* keys;

  FATHOM_INLINE IndexLayout(int64_t heads_in, int64_t dim_in, void* memory) noexcept
      : heads(round_up(heads_in, kWidth)),
        groups(round_up(dim_in, kGroup) / kGroup),
        dim(dim_in),
        weights(reinterpret_cast<float*>(align_line(memory))),
        channels(reinterpret_cast<float*>(align_line(weights + heads))),
        scales(channels),
        starts(reinterpret_cast<int32_t*>(align_line(scales + groups * heads))),
        codes(reinterpret_cast<int8_t*>(align_line(starts + groups * heads))),
        key_scales(reinterpret_cast<float*>(align_line(codes + groups * kGroup * heads))),
        keys(align_line(key_scales + groups * kTileKeys)) {}
};

FATHOM_INLINE void pad_weights(const IndexQueryArgs& args, float* out) noexcept {
  const int64_t padded = round_up(args.heads, kWidth);
  for (int64_t h = 0; h < padded; ++h) out[h] = h < args.heads ? args.weights[h] : 0.0F;
}

void prepare_index_f32(const IndexQueryArgs& args) noexcept {
  const IndexLayout layout(args.heads, args.dim, args.prepared);
  pad_weights(args, layout.weights);
  for (int64_t c = 0; c < args.dim; ++c) {
    for (int64_t h = 0; h < layout.heads; ++h)
      layout.channels[c * layout.heads + h] = h < args.heads ? args.q[h * args.dim + c] : 0.0F;
  }
}

// The doubled codes of one group of one head and what goes with them.
FATHOM_INLINE void prepare_group(const float* x, int64_t count, const IndexLayout& layout, int64_t place,
                                 int8_t* codes) noexcept {
  const float amax = group_amax(x, count);
  const uint32_t bits = bits_of(amax > kE2m1Grid.floor ? amax : kE2m1Grid.floor);
  const uint32_t byte = (bits >> 23) - kE2m1Grid.shift + ((bits & 0x7fffffu) > kE2m1Grid.mantissa ? 1u : 0u);
  const float doubled = 2.0F * float_of((254u - byte) << 23);
  int8_t values[kGroup] = {};
  int32_t sum = 0;
  for (int64_t c = 0; c < count; ++c) {
    const float code = x[c] * doubled;
    // In range for whatever x is; a NaN becomes -12.
    values[c] = static_cast<int8_t>(static_cast<int>(code >= 12.0F ? 12.0F : code > -12.0F ? code : -12.0F));
  }
  for (int64_t c = 0; c < kGroup; ++c) sum += values[c];
  layout.scales[place] = 0.25F * float_of(byte << 23);
  layout.starts[place] = integer_start(sum);
  for (int64_t quad = 0; quad < kGroupQuads; ++quad) {
    const int8_t* first = values + quad % 4 * 8 + quad / 4;
    int8_t* out = codes + quad * layout.heads * 4;
    for (int64_t i = 0; i < 4; ++i) out[i] = first[2 * i];
  }
}

void prepare_index_fp4(const IndexQueryArgs& args) noexcept {
  const IndexLayout layout(args.heads, args.dim, args.prepared);
  pad_weights(args, layout.weights);
  for (int64_t g = 0; g < layout.groups; ++g) {
    const int64_t first = g * kGroup;
    const int64_t count = args.dim - first < kGroup ? args.dim - first : kGroup;
    int8_t* codes = layout.codes + g * kGroup * layout.heads;
    for (int64_t h = 0; h < layout.heads; ++h) {
      const int64_t place = g * layout.heads + h;
      // Padding: no channels, so codes and sums of zero.
      prepare_group(args.q + h * args.dim + first, h < args.heads ? count : 0, layout, place, codes + h * 4);
    }
  }
}

// sums[j] += weights * max(dots[j], 0) for the heads of the tile; a NaN counts as 0.
template <int keys, int vecs>
FATHOM_INLINE void add_heads(const Vec (*dots)[vecs], const float* weights, Vec* sums) noexcept {
  FATHOM_UNROLL
  for (int v = 0; v < vecs; ++v) {
    const Vec weight = load(weights + v * kWidth);
    FATHOM_UNROLL
    for (int j = 0; j < keys; ++j) sums[j] = fma(weight, max(dots[j][v], zero()), sums[j]);
  }
}

template <int keys, int vecs>
FATHOM_INLINE void clear(Vec (*sums)[vecs]) noexcept {
  FATHOM_UNROLL
  for (int j = 0; j < keys; ++j) {
    FATHOM_UNROLL
    for (int v = 0; v < vecs; ++v) sums[j][v] = zero();
  }
}

// Keys as f32 rows; `head` is the first of the tile.
struct F32Keys {
  const IndexLayout& layout;
  const float* keys[kTileKeys];

  template <int keys_here, int vecs>
  FATHOM_INLINE void dots(int64_t head, int64_t first_key, Vec (*out)[vecs]) const noexcept {
    const float* q = layout.channels + head;
    clear<keys_here>(out);
    for (int64_t g = 0; g < layout.groups; ++g) {
      Vec sums[keys_here][vecs];
      clear<keys_here>(sums);
      const int64_t end = (g + 1) * kGroup < layout.dim ? (g + 1) * kGroup : layout.dim;
      for (int64_t c = g * kGroup; c < end; ++c) {
        Vec left[vecs];
        FATHOM_UNROLL
        for (int v = 0; v < vecs; ++v) left[v] = load(q + c * layout.heads + v * kWidth);
        FATHOM_UNROLL
        for (int j = 0; j < keys_here; ++j) {
          const Vec right = set1(keys[first_key + j][c]);
          FATHOM_UNROLL
          for (int v = 0; v < vecs; ++v) sums[j][v] = fma(left[v], right, sums[j][v]);
        }
      }
      FATHOM_UNROLL
      for (int j = 0; j < keys_here; ++j) {
        FATHOM_UNROLL
        for (int v = 0; v < vecs; ++v) out[j][v] = add(out[j][v], sums[j][v]);
      }
    }
  }
};

// Keys unpacked to bytes.
struct Fp4Keys {
  const IndexLayout& layout;

  template <int keys_here, int vecs>
  FATHOM_INLINE void dots(int64_t head, int64_t first_key, Vec (*out)[vecs]) const noexcept {
    const uint8_t* keys = layout.keys + first_key * kSpanBytes;
    const float* key_scales = layout.key_scales + first_key;
    clear<keys_here>(out);
    for (int64_t g = 0; g < layout.groups; ++g) {
      const int64_t place = g * layout.heads + head;
      IntSums sums[keys_here][vecs];
      FATHOM_UNROLL
      for (int v = 0; v < vecs; ++v) {
        const IntSums start = load_start(layout.starts + place + v * kWidth);
        FATHOM_UNROLL
        for (int j = 0; j < keys_here; ++j) sums[j][v] = start;
      }
      const int8_t* codes = layout.codes + (g * kGroup * layout.heads + head * 4);
      // The unpacked bytes of a span: those of even channels, then those of odd ones; 16 of each are a
      // group's.
      constexpr int64_t kGroupsInSpan = kUnpackedBytes / 16;
      const uint8_t* bytes = keys + g / kGroupsInSpan * kTileKeys * kSpanBytes + g % kGroupsInSpan * 16;
      FATHOM_UNROLL
      for (int quad = 0; quad < kGroupQuads; ++quad) {
        CodeVec left[vecs];
        FATHOM_UNROLL
        for (int v = 0; v < vecs; ++v) left[v] = load_codes(codes + (quad * layout.heads + v * kWidth) * 4);
        const uint8_t* four = bytes + quad % 4 * 4 + quad / 4 * kUnpackedBytes;
        FATHOM_UNROLL
        for (int j = 0; j < keys_here; ++j) {
          const CodeVec right = broadcast_quad(four + j * kSpanBytes);
          FATHOM_UNROLL
          for (int v = 0; v < vecs; ++v) sums[j][v] = add_products(sums[j][v], right, left[v]);
        }
      }
      FATHOM_UNROLL
      for (int v = 0; v < vecs; ++v) {
        const Vec scale = load(layout.scales + place + v * kWidth);
        FATHOM_UNROLL
        for (int j = 0; j < keys_here; ++j) {
          // The product with both scales is exact, so this rounds as adding it does.
          out[j][v] = fma(mul(to_float(sums[j][v]), scale), set1(key_scales[g * kTileKeys + j]), out[j][v]);
        }
      }
    }
  }
};

// Scores of kTileKeys keys.
template <typename Keys>
FATHOM_INLINE void score_tile(const IndexLayout& layout, const Keys& keys, float* scores) noexcept {
  Vec sums[kTileKeys];
  for (int64_t first = 0; first < kTileKeys; first += kKeysAtOnce) {
    Vec here[kKeysAtOnce];
    FATHOM_UNROLL
    for (int j = 0; j < kKeysAtOnce; ++j) here[j] = zero();
    int64_t head = 0;
    for (; head + kHeadVecs * kWidth <= layout.heads; head += kHeadVecs * kWidth) {
      Vec dots[kKeysAtOnce][kHeadVecs];
      keys.template dots<kKeysAtOnce, kHeadVecs>(head, first, dots);
      add_heads<kKeysAtOnce>(dots, layout.weights + head, here);
    }
    for (; head < layout.heads; head += kWidth) {
      Vec dots[kKeysAtOnce][1];
      keys.template dots<kKeysAtOnce, 1>(head, first, dots);
      add_heads<kKeysAtOnce>(dots, layout.weights + head, here);
    }
    FATHOM_UNROLL
    for (int j = 0; j < kKeysAtOnce; ++j) sums[first + j] = here[j];
  }
  sum_lanes_4(sums, scores);
}

// Calls tile(first, scores) for every kTileKeys keys; what lies beyond the last key is thrown away.
template <typename Tile>
FATHOM_INLINE void for_key_tiles(const IndexScoreArgs& args, Tile tile) noexcept {
  int64_t i = 0;
  for (; i + kTileKeys <= args.count; i += kTileKeys) tile(i, args.scores + i);
  if (i == args.count) return;
  float rest[kTileKeys];
  tile(i, rest);
  for (int64_t j = 0; i + j < args.count; ++j) args.scores[i + j] = rest[j];
}

// Row `i`, or the last one for places beyond it.
FATHOM_INLINE const uint8_t* key_row(const IndexScoreArgs& args, int64_t i) noexcept {
  return args.keys + (i < args.count ? i : args.count - 1) * args.key_stride;
}

void index_scores_f32(const IndexScoreArgs& args) noexcept {
  const IndexLayout layout(args.heads, args.dim, args.prepared);
  for_key_tiles(args, [&](int64_t first, float* scores) {
    F32Keys keys{layout, {}};
    for (int64_t j = 0; j < kTileKeys; ++j)
      keys.keys[j] = reinterpret_cast<const float*>(key_row(args, first + j));
    score_tile(layout, keys, scores);
  });
}

void index_scores_fp4(const IndexScoreArgs& args) noexcept {
  const IndexLayout layout(args.heads, args.dim, args.prepared);
  const int64_t code_bytes = (args.dim + 1) / 2;
  for_key_tiles(args, [&](int64_t first, float* scores) {
    for (int64_t j = 0; j < kTileKeys; ++j) {
      const uint8_t* row = key_row(args, first + j);
      uint8_t* out = layout.keys + j * kSpanBytes;
      for (int64_t i = 0; i < code_bytes; i += kUnpackedBytes, out += kTileKeys * kSpanBytes)
        unpack_codes(row + i, code_bytes - i < kUnpackedBytes ? code_bytes - i : kUnpackedBytes, out);
      for (int64_t g = 0; g < layout.groups; ++g)
        layout.key_scales[g * kTileKeys + j] = float_of(uint32_t{row[code_bytes + g]} << 23);
    }
    score_tile(layout, Fp4Keys{layout}, scores);
  });
}

constexpr IndexKernels kIndexSimd = {{prepare_index_f32, index_scores_f32},
                                     {prepare_index_fp4, index_scores_fp4}};

}  // namespace
}  // namespace fathom
