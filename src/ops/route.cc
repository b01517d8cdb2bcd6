// SPDX-License-Identifier: MIT
#include "ops/route.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "numeric/math.h"

namespace fathom {
namespace {

void softmax(std::span<float> x) noexcept {
  float top = x[0];
  for (const float v : x) top = std::max(top, v);
  float sum = 0.0F;
  for (float& v : x) {
    v = exp_f32(v - top);
    sum += v;
  }
  for (float& v : x) v /= sum;
}

}  // namespace

void expert_scores(std::span<float> scores, Affinity affinity) noexcept {
  switch (affinity) {
    case Affinity::kSqrtSoftplus:
      for (float& s : scores) s = std::sqrt(softplus_f32(s));
      return;
    case Affinity::kSigmoid:
      for (float& s : scores) s = sigmoid_f32(s);
      return;
    case Affinity::kSoftmax: softmax(scores); return;
  }
}

void choose_experts(std::span<const float> scores, std::span<const float> bias,
                    std::span<Route> routes) noexcept {
  FATHOM_DCHECK(routes.size() <= scores.size() && (bias.empty() || bias.size() == scores.size()));
  // A NaN loses, so that the order stays an order.
  const auto key = [&](int32_t e) {
    const float sum = bias.empty() ? scores[e] : scores[e] + bias[e];
    return std::isnan(sum) ? -std::numeric_limits<float>::infinity() : sum;
  };
  // Insertion into the best-first list; experts come in ascending order, so an equal key stays behind.
  size_t kept = 0;
  for (int32_t e = 0; e < static_cast<int32_t>(scores.size()); ++e) {
    if (kept == routes.size() && !(key(e) > key(routes[kept - 1].expert))) continue;
    size_t slot = kept < routes.size() ? kept++ : kept - 1;
    for (; slot > 0 && key(e) > key(routes[slot - 1].expert); --slot)
      routes[slot].expert = routes[slot - 1].expert;
    routes[slot].expert = e;
  }
}

void weigh_experts(std::span<const float> scores, WeightNormalisation normalisation, float scale,
                   std::span<Route> routes) noexcept {
  float sum = 0.0F;
  for (const Route& route : routes) sum += scores[route.expert];
  for (Route& route : routes) {
    const float score = scores[route.expert];
    route.weight = (normalisation == WeightNormalisation::kSum ? score / sum : score) * scale;
  }
}

}  // namespace fathom
