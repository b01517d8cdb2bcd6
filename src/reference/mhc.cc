// SPDX-License-Identifier: MIT
#include "reference/mhc.h"

#include <algorithm>
#include <cmath>

#include "reference/linear.h"
#include "reference/number.h"
#include "reference/rms_norm.h"

namespace fathom::reference {
namespace {

template <typename T>
void softmax(std::span<T> x) {
  Real<T> largest = real_part(x[0]);
  for (const T v : x) largest = std::max(largest, real_part(v));
  T sum = T(0);
  for (T& v : x) {
    v = std::exp(v - T(largest));
    sum += v;
  }
  for (T& v : x) v /= sum;
}

template <typename T>
void normalize_each_src(Matrix<T>& p, T eps) {
  for (int64_t src = 0; src < p.rows; ++src) {
    T sum = eps;
    for (const T v : p.row(src)) sum += v;
    for (T& v : p.row(src)) v /= sum;
  }
}

template <typename T>
void normalize_each_dst(Matrix<T>& p, T eps) {
  for (int64_t dst = 0; dst < p.cols; ++dst) {
    T sum = eps;
    for (int64_t src = 0; src < p.rows; ++src) sum += p.at(src, dst);
    for (int64_t src = 0; src < p.rows; ++src) p.at(src, dst) /= sum;
  }
}

// (W_fn x~) rsqrt(mean(x~^2) + rms_norm_eps), x~ the flattened streams.
template <typename T>
std::vector<T> mix_of(MatView<const T> streams, const Matrix<T>& fn, double rms_norm_eps) {
  const std::span<const T> flat(streams.data, static_cast<size_t>(streams.rows * streams.cols));
  std::vector<T> mix = multiply(fn, flat);
  const T rms = std::sqrt(mean_of_squares(flat) + T(Real<T>(rms_norm_eps)));
  for (T& v : mix) v /= rms;
  return mix;
}

}  // namespace

template <typename T>
void sinkhorn(Matrix<T>& p, int iters, double eps) {
  const T eps_t = T(Real<T>(eps));
  for (int64_t src = 0; src < p.rows; ++src) softmax(p.row(src));
  for (T& v : p.data) v += eps_t;
  normalize_each_dst(p, eps_t);
  for (int i = 1; i < iters; ++i) {
    normalize_each_src(p, eps_t);
    normalize_each_dst(p, eps_t);
  }
}

template <typename T>
HyperConnection<T> hyper_connection(MatView<const T> streams, const HyperConnectionWeights<T>& w,
                                    const ModelConfig& config) {
  const int64_t n = streams.rows;
  const T eps = T(Real<T>(config.hc_eps));
  const std::vector<T> mix = mix_of(streams, w.fn, config.rms_norm_eps);
  HyperConnection<T> hc{std::vector<T>(n), std::vector<T>(n), Matrix<T>(n, n)};
  for (int64_t j = 0; j < n; ++j) {
    hc.pre[j] = sigmoid(mix[j] * w.scale[0] + w.base[j]) + eps;
    hc.post[j] = T(2) * sigmoid(mix[n + j] * w.scale[1] + w.base[n + j]);
    for (int64_t k = 0; k < n; ++k) {
      const int64_t row = 2 * n + j * n + k;
      hc.comb.at(j, k) = mix[row] * w.scale[2] + w.base[row];
    }
  }
  sinkhorn(hc.comb, config.hc_sinkhorn_iters, config.hc_eps);
  return hc;
}

template <typename T>
std::vector<T> collapse(MatView<const T> streams, std::span<const T> weights) {
  std::vector<T> collapsed;
  for (int64_t d = 0; d < streams.cols; ++d) {
    Sum<T> sum = Sum<T>(0);
    for (int64_t j = 0; j < streams.rows; ++j) sum += Sum<T>(weights[j]) * Sum<T>(streams.at(j, d));
    collapsed.push_back(T(sum));
  }
  return collapsed;
}

template <typename T>
void update_streams(MatView<T> streams, const HyperConnection<T>& hc, std::span<const T> y) {
  const int64_t n = streams.rows;
  std::vector<T> before(n);
  for (int64_t d = 0; d < streams.cols; ++d) {
    for (int64_t j = 0; j < n; ++j) before[j] = streams.at(j, d);
    for (int64_t k = 0; k < n; ++k) {
      Sum<T> sum = Sum<T>(hc.post[k]) * Sum<T>(y[d]);
      for (int64_t j = 0; j < n; ++j) sum += Sum<T>(hc.comb.at(j, k)) * Sum<T>(before[j]);
      streams.at(k, d) = T(sum);
    }
  }
}

template <typename T>
std::vector<T> collapse_head(MatView<const T> streams, const HyperConnectionWeights<T>& w,
                             const ModelConfig& config) {
  std::vector<T> weights = mix_of(streams, w.fn, config.rms_norm_eps);
  for (size_t j = 0; j < weights.size(); ++j) {
    weights[j] = sigmoid(weights[j] * w.scale[0] + w.base[j]) + T(Real<T>(config.hc_eps));
  }
  return collapse(streams, std::span<const T>(weights));
}

template void sinkhorn(Matrix<float>&, int, double);
template void sinkhorn(Matrix<double>&, int, double);
template void sinkhorn(Matrix<Complex>&, int, double);
template HyperConnection<float> hyper_connection(MatView<const float>, const HyperConnectionWeights<float>&,
                                                 const ModelConfig&);
template HyperConnection<double> hyper_connection(MatView<const double>,
                                                  const HyperConnectionWeights<double>&, const ModelConfig&);
template HyperConnection<Complex> hyper_connection(MatView<const Complex>,
                                                   const HyperConnectionWeights<Complex>&,
                                                   const ModelConfig&);
template std::vector<float> collapse(MatView<const float>, std::span<const float>);
template std::vector<double> collapse(MatView<const double>, std::span<const double>);
template std::vector<Complex> collapse(MatView<const Complex>, std::span<const Complex>);
template void update_streams(MatView<float>, const HyperConnection<float>&, std::span<const float>);
template void update_streams(MatView<double>, const HyperConnection<double>&, std::span<const double>);
template void update_streams(MatView<Complex>, const HyperConnection<Complex>&, std::span<const Complex>);
template std::vector<float> collapse_head(MatView<const float>, const HyperConnectionWeights<float>&,
                                          const ModelConfig&);
template std::vector<double> collapse_head(MatView<const double>, const HyperConnectionWeights<double>&,
                                           const ModelConfig&);
template std::vector<Complex> collapse_head(MatView<const Complex>, const HyperConnectionWeights<Complex>&,
                                            const ModelConfig&);

}  // namespace fathom::reference
