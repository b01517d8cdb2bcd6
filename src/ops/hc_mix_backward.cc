// SPDX-License-Identifier: MIT
#include "ops/hc_mix_backward.h"

#include <algorithm>

#include "ops/vector_math.h"

namespace fathom {
namespace {

// One row or column of a round: element i of `step` apart.
template <typename T>
struct Line {
  T* first;
  int step;
  T& at(int i) const noexcept { return first[i * step]; }
};

// out_i = in_i / (sum of in + eps); returns what it divided by.
template <typename T>
T normalize(Line<T> line, int n, T eps) noexcept {
  T divisor = T(0);
  for (int i = 0; i < n; ++i) divisor += line.at(i);
  divisor += eps;
  for (int i = 0; i < n; ++i) line.at(i) /= divisor;
  return divisor;
}

// From out and the divisor to the derivative by in: d_in_i = (d_out_i - sum of d_out out) / divisor.
template <typename T>
void normalize_backward(Line<const T> out, T divisor, int n, Line<T> d) noexcept {
  T sum = T(0);
  for (int i = 0; i < n; ++i) sum += d.at(i) * out.at(i);
  for (int i = 0; i < n; ++i) d.at(i) = (d.at(i) - sum) / divisor;
}

// The n x n matrix after each half round and its n divisors, in the order they are computed; the first half
// round is the softmax of the rows.
template <typename T>
class Rounds {
 public:
  Rounds(std::span<T> memory, int n) noexcept : memory_(memory), n_(n) {}
  T* matrix(int half) noexcept { return memory_.data() + half * (n_ * n_ + n_); }
  T* divisors(int half) noexcept { return matrix(half) + n_ * n_; }
  Line<T> source(int half, int src) noexcept { return {matrix(half) + src * n_, 1}; }
  Line<T> destination(int half, int dst) noexcept { return {matrix(half) + dst, n_}; }

 private:
  std::span<T> memory_;
  int n_;
};

template <typename T>
void softmax_rows(T* m, int n) noexcept {
  for (int src = 0; src < n; ++src) {
    T* row = m + src * n;
    const T top = *std::max_element(row, row + n);
    T sum = T(0);
    for (int i = 0; i < n; ++i) sum += row[i] = exp_of(row[i] - top);
    for (int i = 0; i < n; ++i) row[i] /= sum;
  }
}

// Half rounds: 0 softmax, 1 columns, then rows (even) and columns (odd).
template <typename T>
void run_rounds(Rounds<T>& rounds, const T* logits, int n, int iters, T eps) noexcept {
  std::copy_n(logits, n * n, rounds.matrix(0));
  softmax_rows(rounds.matrix(0), n);
  for (int half = 1; half < 2 * iters; ++half) {
    std::copy_n(rounds.matrix(half - 1), n * n, rounds.matrix(half));
    if (half == 1) {
      for (int i = 0; i < n * n; ++i) rounds.matrix(half)[i] += eps;
    }
    for (int i = 0; i < n; ++i) {
      const Line<T> line = half % 2 == 1 ? rounds.destination(half, i) : rounds.source(half, i);
      rounds.divisors(half)[i] = normalize(line, n, eps);
    }
  }
}

// d [n, n] from the derivative by the result to the one by the logits, in place.
template <typename T>
void rounds_backward(Rounds<T>& rounds, int n, int iters, T* d) noexcept {
  for (int half = 2 * iters - 1; half > 0; --half) {
    for (int i = 0; i < n; ++i) {
      const bool columns = half % 2 == 1;
      const Line<T> out = columns ? rounds.destination(half, i) : rounds.source(half, i);
      const Line<T> d_line = columns ? Line<T>{d + i, n} : Line<T>{d + i * n, 1};
      normalize_backward(Line<const T>{out.first, out.step}, rounds.divisors(half)[i], n, d_line);
    }
  }
  for (int src = 0; src < n; ++src) {
    const Line<T> out = rounds.source(0, src);
    T sum = T(0);
    for (int i = 0; i < n; ++i) sum += d[src * n + i] * out.at(i);
    for (int i = 0; i < n; ++i) d[src * n + i] = (d[src * n + i] - sum) * out.at(i);
  }
}

}  // namespace

size_t hc_backward_scratch(const HcSettings& settings) noexcept {
  const auto n = static_cast<size_t>(settings.streams);
  return (2 * static_cast<size_t>(settings.sinkhorn_iters) + 1) * (n * n + n);
}

template <typename T>
void hc_mix_backward(const HcMixGradient<T>& in, const HcSettings& settings, std::span<T> scratch,
                     std::span<T> d_logits, std::span<T> d_scale, std::span<T> d_base) noexcept {
  const int n = settings.streams;
  // d_logits first holds the derivatives by logits * scale + base.
  for (int j = 0; j < n; ++j) {
    const T pre = sigmoid_of(in.logits[j] * in.scale[0] + in.base[j]);
    const T post = sigmoid_of(in.logits[n + j] * in.scale[1] + in.base[n + j]);
    d_logits[j] = in.d_pre[j] * pre * (T(1) - pre);
    d_logits[n + j] = in.d_post[j] * T(2) * post * (T(1) - post);
  }
  T* comb_logits = scratch.data() + static_cast<ptrdiff_t>(hc_backward_scratch(settings)) - (n * n + n);
  for (int i = 0; i < n * n; ++i) comb_logits[i] = in.logits[2 * n + i] * in.scale[2] + in.base[2 * n + i];
  Rounds<T> rounds(scratch, n);
  run_rounds(rounds, comb_logits, n, settings.sinkhorn_iters, in.hc_eps);
  std::copy_n(in.d_comb.data(), n * n, d_logits.data() + 2 * n);
  rounds_backward(rounds, n, settings.sinkhorn_iters, d_logits.data() + 2 * n);
  for (int i = 0; i < (2 + n) * n; ++i) {
    const int part = i < n ? 0 : i < 2 * n ? 1 : 2;
    d_base[i] += d_logits[i];
    d_scale[part] += d_logits[i] * in.logits[i];
    d_logits[i] *= in.scale[part];
  }
}

template <typename T>
T hc_head_mix_backward(std::span<const T> logits, T scale, std::span<const T> base, std::span<const T> d_out,
                       std::span<T> d_logits, std::span<T> d_base) noexcept {
  T d_scale = T(0);
  for (size_t j = 0; j < logits.size(); ++j) {
    const T s = sigmoid_of(logits[j] * scale + base[j]);
    const T d = d_out[j] * s * (T(1) - s);
    d_base[j] += d;
    d_scale += d * logits[j];
    d_logits[j] = d * scale;
  }
  return d_scale;
}

template void hc_mix_backward(const HcMixGradient<float>&, const HcSettings&, std::span<float>,
                              std::span<float>, std::span<float>, std::span<float>) noexcept;
template void hc_mix_backward(const HcMixGradient<double>&, const HcSettings&, std::span<double>,
                              std::span<double>, std::span<double>, std::span<double>) noexcept;
template float hc_head_mix_backward(std::span<const float>, float, std::span<const float>,
                                    std::span<const float>, std::span<float>, std::span<float>) noexcept;
template double hc_head_mix_backward(std::span<const double>, double, std::span<const double>,
                                     std::span<const double>, std::span<double>, std::span<double>) noexcept;

}  // namespace fathom
