// SPDX-License-Identifier: MIT
// The kernels of the backward pass for every SIMD tier, written once over the Vec of simd_<tier>.h, which the
// including file chose before this one. Internal linkage, so each tier has its own copy (design.md 7).
#pragma once

#include "kernels/simd_math.h"
#include "kernels/training_kernels.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// A panel of b, kBlockK x kPanelWidth, stays in the second-level cache while all rows of a pass over it; a
// tile of kTileRows rows by the panel's width stays in registers.
constexpr int64_t kBlockK = 192;
constexpr int kTileRows = 6;
constexpr int kTileVecs = kWidth == 16 ? 4 : 2;
constexpr int64_t kPanelWidth = kTileVecs * kWidth;

// One pass over a part of k: rows [row, row + rows) of c and one panel's columns.
struct GemmPart {
  int64_t first_k;
  int64_t count_k;
  int64_t first_col;
  int64_t cols;  // of the panel that exist
};

template <int rows, int vecs>
FATHOM_INLINE void gemm_tile(const GemmArgs& g, const GemmPart& part, int64_t row,
                             const float* panel) noexcept {
  Vec sums[rows][vecs];
  FATHOM_UNROLL for (int r = 0; r < rows; ++r) {
    FATHOM_UNROLL for (int v = 0; v < vecs; ++v) sums[r][v] = zero();
  }
  const float* a = g.a + row * g.a_row + part.first_k * g.a_col;
  for (int64_t k = 0; k < part.count_k; ++k, a += g.a_col, panel += kPanelWidth) {
    Vec b[vecs];
    FATHOM_UNROLL for (int v = 0; v < vecs; ++v) b[v] = load(panel + v * kWidth);
    FATHOM_UNROLL for (int r = 0; r < rows; ++r) {
      const Vec x = set1(a[r * g.a_row]);
      FATHOM_UNROLL for (int v = 0; v < vecs; ++v) sums[r][v] = fma(x, b[v], sums[r][v]);
    }
  }
  const int64_t last = part.cols - (vecs - 1) * kWidth;  // columns of the last vector
  FATHOM_UNROLL for (int r = 0; r < rows; ++r) {
    float* c = g.c + (row + r) * g.c_stride + part.first_col;
    FATHOM_UNROLL for (int v = 0; v < vecs - 1; ++v) {
      store(c + v * kWidth, add(load(c + v * kWidth), sums[r][v]));
    }
    float* end = c + (vecs - 1) * kWidth;
    store_partial(end, add(load_partial(end, last), sums[r][vecs - 1]), last);
  }
}

template <int vecs>
FATHOM_INLINE void gemm_rows(const GemmArgs& g, const GemmPart& part, const float* panel) noexcept {
  int64_t row = 0;
  for (; row + kTileRows <= g.m; row += kTileRows) gemm_tile<kTileRows, vecs>(g, part, row, panel);
  switch (g.m - row) {
    case 1: return gemm_tile<1, vecs>(g, part, row, panel);
    case 2: return gemm_tile<2, vecs>(g, part, row, panel);
    case 3: return gemm_tile<3, vecs>(g, part, row, panel);
    case 4: return gemm_tile<4, vecs>(g, part, row, panel);
    case 5: return gemm_tile<5, vecs>(g, part, row, panel);
  }
}

// Copies a part of b into the panel, zeros beyond its columns.
FATHOM_INLINE void pack_panel(const GemmArgs& g, const GemmPart& part, float* panel) noexcept {
  const float* b = g.b + part.first_k * g.b_stride + part.first_col;
  for (int64_t k = 0; k < part.count_k; ++k, b += g.b_stride, panel += kPanelWidth) {
    for (int64_t j = 0; j < kPanelWidth; j += kWidth) {
      const int64_t left = part.cols - j;
      store(panel + j, left >= kWidth ? load(b + j) : left > 0 ? load_partial(b + j, left) : zero());
    }
  }
}

void gemm(const GemmArgs& g) noexcept {
  alignas(64) float panel[kBlockK * kPanelWidth];
  for (int64_t col = 0; col < g.n; col += kPanelWidth) {
    const int64_t cols = g.n - col < kPanelWidth ? g.n - col : kPanelWidth;
    for (int64_t k = 0; k < g.k; k += kBlockK) {
      const GemmPart part{k, g.k - k < kBlockK ? g.k - k : kBlockK, col, cols};
      pack_panel(g, part, panel);
      switch ((cols + kWidth - 1) / kWidth) {
        case 1: gemm_rows<1>(g, part, panel); break;
        case 2: gemm_rows<2>(g, part, panel); break;
        case 3:
          if constexpr (kTileVecs > 2) gemm_rows<3>(g, part, panel);
          break;
        case 4:
          if constexpr (kTileVecs > 2) gemm_rows<4>(g, part, panel);
          break;
      }
    }
  }
}

// Four running sums over the length, added (0 + 1) + (2 + 3), then the tree over lanes.
float dot_rows(const float* x, const float* y, int64_t n) noexcept {
  Vec sums[4] = {zero(), zero(), zero(), zero()};
  int64_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    for (int j = 0; j < 4; ++j) sums[j] = fma(load(x + i + j * kWidth), load(y + i + j * kWidth), sums[j]);
  }
  for (; i < n; i += kWidth) {
    const int64_t left = n - i;
    sums[0] = left < kWidth ? fma(load_partial(x + i, left), load_partial(y + i, left), sums[0])
                            : fma(load(x + i), load(y + i), sums[0]);
  }
  return sum_lanes(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
}

void add_scaled(const float* x, float factor, int64_t n, float* out) noexcept {
  const Vec f = set1(factor);
  for_lanes(
      n, [&](int64_t i) { store(out + i, fma(f, load(x + i), load(out + i))); },
      [&](int64_t i, int64_t count) {
        store_partial(out + i, fma(f, load_partial(x + i, count), load_partial(out + i, count)), count);
      });
}

float exp_sum(const float* x, float shift, int64_t n, float* out) noexcept {
  const Vec s = set1(shift);
  Vec sum = zero();
  float rest = 0.0F;
  for_lanes(
      n,
      [&](int64_t i) {
        const Vec e = exp_vec(sub(load(x + i), s));
        store(out + i, e);
        sum = add(sum, e);
      },
      [&](int64_t i, int64_t count) {
        store_partial(out + i, exp_vec(sub(load_partial(x + i, count), s)), count);
        for (int64_t j = 0; j < count; ++j) rest += out[i + j];
      });
  return sum_lanes(sum) + rest;
}

struct SwigluDerivatives {
  Vec gate;
  Vec up;
  Vec weight;
};

FATHOM_INLINE SwigluDerivatives swiglu_derivatives(Vec gate, Vec up, Vec d_out, Vec weight,
                                                   Vec limit) noexcept {
  const Vec one = set1(1.0F);
  const Vec g = min(limit, gate);
  const Vec u = max(xor_bits(limit, set1(-0.0F)), min(limit, up));
  const Vec sigmoid = div(one, add(one, exp_vec(xor_bits(g, set1(-0.0F)))));
  const Vec silu = mul(g, sigmoid);
  const Vec slope = mul(sigmoid, add(one, mul(g, sub(one, sigmoid))));
  const Vec weighted = mul(weight, d_out);
  return {where_below(mul(mul(weighted, u), slope), gate, limit),
          where_below(mul(weighted, silu), abs(up), limit), mul(d_out, mul(silu, u))};
}

float swiglu_backward(const SwigluBackwardArgs& a) noexcept {
  const Vec weight = set1(a.weight);
  const Vec limit = set1(a.limit);
  Vec d_weight = zero();
  for_lanes(
      a.n,
      [&](int64_t i) {
        const SwigluDerivatives d =
            swiglu_derivatives(load(a.gate + i), load(a.up + i), load(a.d_out + i), weight, limit);
        store(a.d_gate + i, d.gate);
        store(a.d_up + i, d.up);
        d_weight = add(d_weight, d.weight);
      },
      [&](int64_t i, int64_t count) {
        const SwigluDerivatives d =
            swiglu_derivatives(load_partial(a.gate + i, count), load_partial(a.up + i, count),
                               load_partial(a.d_out + i, count), weight, limit);
        store_partial(a.d_gate + i, d.gate, count);
        store_partial(a.d_up + i, d.up, count);
        d_weight = add(d_weight, d.weight);  // lanes beyond the row have d_out 0
      });
  return sum_lanes(d_weight);
}

constexpr TrainingKernels kTrainingSimd = {gemm, dot_rows, add_scaled, exp_sum, swiglu_backward};

}  // namespace
}  // namespace fathom
