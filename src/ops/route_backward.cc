// SPDX-License-Identifier: MIT
#include "ops/route_backward.h"

#include <cmath>

#include "ops/vector_math.h"

namespace fathom {
namespace {

// d sqrt(softplus(z)) / dz = sigmoid(z) / (2 s), and sigmoid(z) = 1 - e^-softplus(z) = 1 - e^(-s^2). For
// small s the difference would cancel: (1 - e^-q) / (2 s) = s/2 (1 - q/2 + q^2/6 ...), q = s^2.
template <typename T>
T sqrt_softplus_slope(T s) noexcept {
  const T q = s * s;
  if (q < T(1e-3)) return s / T(2) * (T(1) - q / T(2) * (T(1) - q / T(3) * (T(1) - q / T(4))));
  return (T(1) - exp_of(-q)) / (T(2) * s);
}

}  // namespace

template <typename T>
void weigh_experts_backward(std::span<const T> scores, std::span<const int32_t> experts,
                            const WeighingRule& rule, std::span<const T> d_weights,
                            std::span<T> d_scores) noexcept {
  const T scale = static_cast<T>(rule.scale);
  if (rule.normalisation == WeightNormalisation::kNone) {
    for (size_t i = 0; i < experts.size(); ++i) d_scores[experts[i]] += scale * d_weights[i];
    return;
  }
  T sum = T(0);
  T weighted = T(0);
  for (size_t i = 0; i < experts.size(); ++i) {
    sum += scores[experts[i]];
    weighted += d_weights[i] * scores[experts[i]];
  }
  for (size_t i = 0; i < experts.size(); ++i) {
    d_scores[experts[i]] += scale * (d_weights[i] - weighted / sum) / sum;
  }
}

template <typename T>
void expert_scores_backward(std::span<const T> scores, Affinity affinity, std::span<T> d) noexcept {
  switch (affinity) {
    case Affinity::kSqrtSoftplus:
      for (size_t e = 0; e < d.size(); ++e) d[e] *= sqrt_softplus_slope(scores[e]);
      return;
    case Affinity::kSigmoid:
      for (size_t e = 0; e < d.size(); ++e) d[e] *= scores[e] * (T(1) - scores[e]);
      return;
    case Affinity::kSoftmax: {
      T mean = T(0);
      for (size_t e = 0; e < d.size(); ++e) mean += scores[e] * d[e];
      for (size_t e = 0; e < d.size(); ++e) d[e] = scores[e] * (d[e] - mean);
      return;
    }
  }
}

template void weigh_experts_backward(std::span<const float>, std::span<const int32_t>, const WeighingRule&,
                                     std::span<const float>, std::span<float>) noexcept;
template void weigh_experts_backward(std::span<const double>, std::span<const int32_t>, const WeighingRule&,
                                     std::span<const double>, std::span<double>) noexcept;
template void expert_scores_backward(std::span<const float>, Affinity, std::span<float>) noexcept;
template void expert_scores_backward(std::span<const double>, Affinity, std::span<double>) noexcept;

}  // namespace fathom
