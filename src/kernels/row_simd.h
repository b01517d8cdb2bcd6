// SPDX-License-Identifier: MIT
// The row operations of every SIMD tier, written once over the Vec of simd_<tier>.h, which the including file
// chose before this one. Internal linkage, so each tier has its own copy (design.md 7).
//
// Quantisers, hadamard, scale, scale_gain and add give the bits of the generic tier; the others a derived
// bound.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/quantize_simd.h"
#include "kernels/simd_math.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// Four running sums over the length, added (0 + 1) + (2 + 3), then the tree over lanes.
float sum_squares(const float* x, int64_t n) noexcept {
  Vec sums[4] = {zero(), zero(), zero(), zero()};
  int64_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    for (int j = 0; j < 4; ++j) {
      const Vec v = load(x + i + j * kWidth);
      sums[j] = fma(v, v, sums[j]);
    }
  }
  for (; i < n; i += kWidth) {
    const Vec v = n - i < kWidth ? load_partial(x + i, n - i) : load(x + i);
    sums[0] = fma(v, v, sums[0]);
  }
  return sum_lanes(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
}

void scale(const float* x, float factor, int64_t n, float* out) noexcept {
  const Vec f = set1(factor);
  for_lanes(
      n, [&](int64_t i) { store(out + i, mul(load(x + i), f)); },
      [&](int64_t i, int64_t count) { store_partial(out + i, mul(load_partial(x + i, count), f), count); });
}

void scale_gain(const float* x, float factor, const float* gain, int64_t n, float* out) noexcept {
  const Vec f = set1(factor);
  for_lanes(
      n, [&](int64_t i) { store(out + i, mul(mul(load(x + i), f), load(gain + i))); },
      [&](int64_t i, int64_t count) {
        const Vec v = mul(mul(load_partial(x + i, count), f), load_partial(gain + i, count));
        store_partial(out + i, v, count);
      });
}

void add_rows(const float* x, int64_t n, float* out) noexcept {
  for_lanes(
      n, [&](int64_t i) { store(out + i, add(load(out + i), load(x + i))); },
      [&](int64_t i, int64_t count) {
        store_partial(out + i, add(load_partial(out + i, count), load_partial(x + i, count)), count);
      });
}

void fp8_round_trip_rows(const float* x, int64_t n, int64_t block, float* out) noexcept {
  for (int64_t i = 0; i < n; i += block)
    round_trip_group(x + i, n - i < block ? n - i : block, kE4m3Grid, out + i);
}

void fp4_round_trip_rows(const float* x, int64_t n, float* out) noexcept {
  constexpr int64_t kGroup = 32;
  for (int64_t i = 0; i < n; i += kGroup) {
    round_trip_group(x + i, n - i < kGroup ? n - i : kGroup, kE2m1Grid, out + i);
  }
}

// One stage inside a vector: lane i becomes a + b or a - b with lane i xor distance.
template <int distance>
FATHOM_INLINE Vec butterfly(Vec v) noexcept {
  return add(swap_lanes<distance>(v), xor_bits(v, sign_pattern<distance>()));
}

FATHOM_INLINE Vec hadamard_lanes(Vec v) noexcept {
  v = butterfly<1>(v);
  v = butterfly<2>(v);
  v = butterfly<4>(v);
  if constexpr (kWidth == 16) v = butterfly<kWidth / 2>(v);
  return v;
}

// 1 / sqrt(n), rounded as the generic tier rounds it.
FATHOM_INLINE float inverse_sqrt(int64_t n) noexcept {
  return static_cast<float>(1.0 / square_root(static_cast<double>(n)));
}

void hadamard_short(float* x, int64_t n) noexcept {
  for (int64_t half = 1; half < n; half *= 2) {
    for (int64_t first = 0; first < n; first += 2 * half) {
      for (int64_t i = first; i < first + half; ++i) {
        const float a = x[i];
        const float b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
  const float factor = inverse_sqrt(n);
  for (int64_t i = 0; i < n; ++i) x[i] *= factor;
}

void hadamard_row(float* x, int64_t n) noexcept {
  if (n < kWidth) return hadamard_short(x, n);
  for (int64_t i = 0; i < n; i += kWidth) store(x + i, hadamard_lanes(load(x + i)));
  for (int64_t half = kWidth; half < n; half *= 2) {
    for (int64_t first = 0; first < n; first += 2 * half) {
      for (int64_t i = first; i < first + half; i += kWidth) {
        const Vec a = load(x + i);
        const Vec b = load(x + i + half);
        store(x + i, add(a, b));
        store(x + i + half, sub(a, b));
      }
    }
  }
  scale(x, inverse_sqrt(n), n, x);
}

FATHOM_INLINE Vec swiglu_vec(Vec gate, Vec up, Vec weight, Vec limit, Vec negative_limit) noexcept {
  const Vec g = min(limit, gate);
  const Vec u = max(negative_limit, min(limit, up));
  const Vec silu = div(g, add(set1(1.0F), exp_vec(xor_bits(g, set1(-0.0F)))));
  return mul(mul(weight, silu), u);
}

void swiglu(const float* gate, const float* up, float weight, float limit, int64_t n, float* out) noexcept {
  const Vec w = set1(weight);
  const Vec top = set1(limit);
  const Vec bottom = set1(-limit);
  for_lanes(
      n, [&](int64_t i) { store(out + i, swiglu_vec(load(gate + i), load(up + i), w, top, bottom)); },
      [&](int64_t i, int64_t count) {
        const Vec v = swiglu_vec(load_partial(gate + i, count), load_partial(up + i, count), w, top, bottom);
        store_partial(out + i, v, count);
      });
}

void hc_collapse(const float* streams, const float* weights, int64_t stream_count, int64_t n,
                 float* out) noexcept {
  const auto mix = [&](auto load_at) {
    Vec sum = mul(set1(weights[0]), load_at(streams));
    for (int64_t j = 1; j < stream_count; ++j) sum = fma(set1(weights[j]), load_at(streams + j * n), sum);
    return sum;
  };
  for_lanes(
      n, [&](int64_t i) { store(out + i, mix([i](const float* row) { return load(row + i); })); },
      [&](int64_t i, int64_t count) {
        store_partial(out + i, mix([i, count](const float* row) { return load_partial(row + i, count); }),
                      count);
      });
}

// `known` streams at compile time, so that they stay in registers; 0: `stream_count` of them.
template <int64_t known>
FATHOM_INLINE void expand_streams(const float* y, const float* post, const float* comb, int64_t stream_count,
                                  int64_t n, float* streams) noexcept {
  const int64_t count = known != 0 ? known : stream_count;
  const auto step = [&](auto load_at, auto store_at) {
    Vec before[known != 0 ? known : kMaxStreams];
    for (int64_t j = 0; j < count; ++j) before[j] = load_at(streams + j * n);
    const Vec fresh = load_at(y);
    for (int64_t k = 0; k < count; ++k) {
      Vec sum = mul(set1(post[k]), fresh);
      for (int64_t j = 0; j < count; ++j) sum = fma(set1(comb[j * count + k]), before[j], sum);
      store_at(streams + k * n, sum);
    }
  };
  for_lanes(
      n,
      [&](int64_t i) {
        step([i](const float* row) { return load(row + i); }, [i](float* row, Vec v) { store(row + i, v); });
      },
      [&](int64_t i, int64_t rest) {
        step([i, rest](const float* row) { return load_partial(row + i, rest); },
             [i, rest](float* row, Vec v) { store_partial(row + i, v, rest); });
      });
}

void hc_expand(const float* y, const float* post, const float* comb, int64_t stream_count, int64_t n,
               float* streams) noexcept {
  if (stream_count == 4) return expand_streams<4>(y, post, comb, stream_count, n, streams);
  expand_streams<0>(y, post, comb, stream_count, n, streams);
}

constexpr RowKernels kRowSimd = {
    sum_squares,         scale,        scale_gain, add_rows,    fp8_round_trip_rows,
    fp4_round_trip_rows, hadamard_row, swiglu,     hc_collapse, hc_expand};

}  // namespace
}  // namespace fathom
