// SPDX-License-Identifier: MIT
// Attention and compressor pooling of every SIMD tier, written once over the Vec of
// simd_<tier>.h, which the including file chose before this one. Internal linkage, so each tier has its own
// copy (design.md 7).
//
// A dot product is one running sum of kWidth lanes over the length, then the tree of sum_lanes, whatever the
// tile it is computed in; so the number of heads and rows of a call never shows in a result.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/simd_math.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// Register tiles: kTileHeads * kTileRows or kTileVecs running sums; there are 32 registers of 16 lanes, or 16
// of 8.
constexpr int kTileHeads = kWidth == 16 ? 6 : 3;
constexpr int kTileRows = 4;
constexpr int kTileVecs = kWidth == 16 ? 4 : 3;
// Heads whose weights are kept at a time, so that rows can stay in the first cache while heads pass: all 64
// of V4-Flash.
constexpr int64_t kGroupHeads = 66;
// Rows that stay there, at 512 channels beside a tile of queries, while their products are made.
constexpr int64_t kGroupRows = 16;
static_assert(kGroupHeads % kTileHeads == 0 && kAttendRows % kGroupRows == 0 && kGroupRows % kTileRows == 0);

// dots[h * stride + j] = q_h . row_j for `heads` heads and kTileRows rows.
template <int heads>
FATHOM_INLINE void dot_tile(const float* q, int64_t dim, const float* const* rows, float* dots,
                            int64_t stride) noexcept {
  Vec sums[heads][kTileRows];
  FATHOM_UNROLL
  for (int h = 0; h < heads; ++h) {
    FATHOM_UNROLL
    for (int j = 0; j < kTileRows; ++j) sums[h][j] = zero();
  }
  const auto step = [&](auto load_at) FATHOM_INLINE_LAMBDA {
    Vec left[heads];
    FATHOM_UNROLL
    for (int h = 0; h < heads; ++h) left[h] = load_at(q + h * dim);
    FATHOM_UNROLL
    for (int j = 0; j < kTileRows; ++j) {
      const Vec right = load_at(rows[j]);
      FATHOM_UNROLL
      for (int h = 0; h < heads; ++h) sums[h][j] = fma(left[h], right, sums[h][j]);
    }
  };
  for_lanes(
      dim, [&](int64_t d) { step([d](const float* p) { return load(p + d); }); },
      [&](int64_t d, int64_t count) {
        step([d, count](const float* p) { return load_partial(p + d, count); });
      });
  FATHOM_UNROLL
  for (int h = 0; h < heads; ++h) sum_lanes_4(sums[h], dots + h * stride);
}

// Calls body with a compile-time number of heads: kTileHeads while there are so many, then what is left.
template <typename Body>
FATHOM_INLINE void for_head_tiles(int64_t heads, Body body) noexcept {
  int64_t h = 0;
  for (; h + kTileHeads <= heads; h += kTileHeads) body.template operator()<kTileHeads>(h);
  const int64_t rest = heads - h;
  if (rest == 1) body.template operator()<1>(h);
  if (rest == 2) body.template operator()<2>(h);
  if constexpr (kTileHeads > 3) {
    if (rest == 3) body.template operator()<3>(h);
    if (rest == 4) body.template operator()<4>(h);
    if (rest == 5) body.template operator()<5>(h);
  }
}

// weights[j] <- exp(weights[j] * scale - new maximum) for all kAttendRows places, those from `count` on 0;
// updates the head's maximum and sum. Returns the factor for what the head has gathered so far.
FATHOM_INLINE float softmax_step(float* weights, int64_t count, float scale, float* running_max,
                                 float* running_sum) noexcept {
  constexpr float kNothing = -__builtin_inff();
  for (int64_t j = count; j < kAttendRows; ++j) weights[j] = kNothing;
  const Vec factor = set1(scale);
  Vec top = set1(*running_max);
  for (int64_t j = 0; j < kAttendRows; j += kWidth) {
    const Vec score = mul(load(weights + j), factor);
    store(weights + j, score);
    top = max(score, top);
  }
  const float new_max = max_lanes(top);
  Vec sums = zero();
  for (int64_t j = 0; j < kAttendRows; j += kWidth) {
    const Vec weight = exp_vec(sub(load(weights + j), set1(new_max)));
    store(weights + j, weight);
    sums = add(sums, weight);
  }
  alignas(64) float carry[kWidth];
  store(carry, exp_vec(set1(*running_max - new_max)));
  *running_sum = *running_sum * carry[0] + sum_lanes(sums);
  *running_max = new_max;
  return carry[0];
}

// out[h] = out[h] * carry[h] + sum over rows j, in order, of weights[h][j] * row_j, for `vecs` vectors from
// channel d.
template <int heads, int vecs, typename Load, typename Store>
FATHOM_INLINE void gather_tile(const AttendArgs& args, int64_t head, const float (*weights)[kAttendRows],
                               const float* carry, Load load_at, Store store_at) noexcept {
  Vec sums[heads][vecs];
  FATHOM_UNROLL
  for (int h = 0; h < heads; ++h) {
    FATHOM_UNROLL
    for (int v = 0; v < vecs; ++v) {
      sums[h][v] = mul(load_at(args.out + (head + h) * args.dim, v), set1(carry[h]));
    }
  }
  for (int64_t j = 0; j < args.count; ++j) {
    Vec row[vecs];
    FATHOM_UNROLL
    for (int v = 0; v < vecs; ++v) row[v] = load_at(args.rows[j], v);
    FATHOM_UNROLL
    for (int h = 0; h < heads; ++h) {
      const Vec weight = set1(weights[h][j]);
      FATHOM_UNROLL
      for (int v = 0; v < vecs; ++v) sums[h][v] = fma(weight, row[v], sums[h][v]);
    }
  }
  FATHOM_UNROLL
  for (int h = 0; h < heads; ++h) {
    FATHOM_UNROLL
    for (int v = 0; v < vecs; ++v) store_at(args.out + (head + h) * args.dim, v, sums[h][v]);
  }
}

// Heads [0, heads) of a group, from channel d on; the tiles of one range of channels share the rows in the
// cache.
template <int vecs, typename Load, typename Store>
FATHOM_INLINE void gather_group(const AttendArgs& group, const float (*weights)[kAttendRows],
                                const float* carry, Load load_at, Store store_at) noexcept {
  for_head_tiles(group.heads, [&]<int heads>(int64_t head) {
    gather_tile<heads, vecs>(group, head, weights + head, carry + head, load_at, store_at);
  });
}

FATHOM_INLINE void gather(const AttendArgs& group, const float (*weights)[kAttendRows],
                          const float* carry) noexcept {
  int64_t d = 0;
  const auto whole = [&d](const float* p, int v) { return load(p + d + v * kWidth); };
  const auto put_whole = [&d](float* p, int v, Vec value) { store(p + d + v * kWidth, value); };
  for (; d + kTileVecs * kWidth <= group.dim; d += kTileVecs * kWidth)
    gather_group<kTileVecs>(group, weights, carry, whole, put_whole);
  for (; d + kWidth <= group.dim; d += kWidth) gather_group<1>(group, weights, carry, whole, put_whole);
  if (d == group.dim) return;
  const int64_t rest = group.dim - d;
  gather_group<1>(
      group, weights, carry, [d, rest](const float* p, int) { return load_partial(p + d, rest); },
      [d, rest](float* p, int, Vec value) { store_partial(p + d, value, rest); });
}

// At most kGroupHeads heads; rows [0, kAttendRows) can be read.
FATHOM_INLINE void attend_group(const AttendArgs& group) noexcept {
  alignas(64) float weights[kGroupHeads][kAttendRows];
  float carry[kGroupHeads];
  for (int64_t first = 0; first < group.count; first += kGroupRows) {
    const int64_t end = first + kGroupRows < group.count ? first + kGroupRows : group.count;
    for_head_tiles(group.heads, [&]<int heads>(int64_t head) {
      for (int64_t j = first; j < end; j += kTileRows)
        dot_tile<heads>(group.q + head * group.dim, group.dim, group.rows + j, &weights[head][j],
                        kAttendRows);
    });
  }
  for (int64_t h = 0; h < group.heads; ++h) {
    carry[h] =
        softmax_step(weights[h], group.count, group.scale, group.running_max + h, group.running_sum + h);
  }
  gather(group, weights, carry);
}

void attend(const AttendArgs& args) noexcept {
  // Places beyond `count` repeat the last row; their dots are overwritten.
  const float* rows[kAttendRows];
  for (int64_t j = 0; j < kAttendRows; ++j) rows[j] = args.rows[j < args.count ? j : args.count - 1];
  for (int64_t head = 0; head < args.heads; head += kGroupHeads) {
    AttendArgs group = args;
    group.q = args.q + head * args.dim;
    group.heads = args.heads - head < kGroupHeads ? args.heads - head : kGroupHeads;
    group.rows = rows;
    group.running_max = args.running_max + head;
    group.running_sum = args.running_sum + head;
    group.out = args.out + head * args.dim;
    attend_group(group);
  }
}

template <typename Load>
FATHOM_INLINE Vec pool_vec(const float* const* c_rows, const float* const* z_rows, int64_t count,
                           Load load_at) noexcept {
  Vec top = load_at(z_rows[0]);
  for (int64_t j = 1; j < count; ++j) top = max(top, load_at(z_rows[j]));
  Vec sum = zero();
  Vec value = zero();
  for (int64_t j = 0; j < count; ++j) {
    const Vec weight = exp_vec(sub(load_at(z_rows[j]), top));
    sum = add(sum, weight);
    value = fma(weight, load_at(c_rows[j]), value);
  }
  return div(value, sum);
}

void pool(const float* const* c_rows, const float* const* z_rows, int64_t count, int64_t dim,
          float* out) noexcept {
  for_lanes(
      dim,
      [&](int64_t d) {
        store(out + d, pool_vec(c_rows, z_rows, count, [d](const float* p) { return load(p + d); }));
      },
      [&](int64_t d, int64_t rest) {
        const auto load_at = [d, rest](const float* p) { return load_partial(p + d, rest); };
        store_partial(out + d, pool_vec(c_rows, z_rows, count, load_at), rest);
      });
}

constexpr AttentionKernels kAttentionSimd = {attend, pool};

}  // namespace
}  // namespace fathom
