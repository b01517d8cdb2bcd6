// SPDX-License-Identifier: MIT
#include "reference/router.h"

#include <algorithm>
#include <cmath>

#include "reference/choice.h"
#include "reference/number.h"

namespace fathom::reference {
namespace {

template <typename T>
std::vector<T> softmax_of(std::span<const T> logits) {
  Real<T> largest = real_part(logits[0]);
  for (const T logit : logits) largest = std::max(largest, real_part(logit));
  std::vector<T> p;
  T total = T(0);
  for (const T logit : logits) {
    p.push_back(std::exp(logit - T(largest)));
    total += p.back();
  }
  for (T& v : p) v /= total;
  return p;
}

}  // namespace

template <typename T>
std::vector<T> expert_scores(std::span<const T> logits, ScoringFunc func) {
  std::vector<T> scores(logits.begin(), logits.end());
  switch (func) {
    case ScoringFunc::kSqrtSoftplus:
      for (T& score : scores) score = std::sqrt(softplus(score));
      return scores;
    case ScoringFunc::kSigmoid:
      for (T& score : scores) score = sigmoid(score);
      return scores;
    case ScoringFunc::kSoftmax: return softmax_of(logits);
  }
  return scores;
}

template <typename T>
std::vector<T> expert_weights(std::span<const T> scores, std::span<const int32_t> experts,
                              const ModelConfig& config) {
  const bool divide = config.norm_topk_prob && config.scoring_func != ScoringFunc::kSoftmax;
  T sum = T(0);
  for (const int32_t expert : experts) sum += scores[expert];
  std::vector<T> weights;
  for (const int32_t expert : experts) {
    const T share = divide ? scores[expert] / sum : scores[expert];
    weights.push_back(share * T(Real<T>(config.routed_scaling_factor)));
  }
  return weights;
}

template <typename T>
Route<T> route(std::span<const T> logits, int32_t token, const MoeWeights<T>& w, const ModelConfig& config) {
  const std::vector<T> scores = expert_scores(logits, config.scoring_func);
  Route<T> out;
  if (w.tid2eid.rows > 0) {
    const std::span<const int32_t> row = w.tid2eid.row(token);
    out.experts.assign(row.begin(), row.end());
  } else {
    std::vector<T> biased = scores;
    for (size_t expert = 0; expert < biased.size(); ++expert) biased[expert] += w.bias[expert];
    Choice choice = choose_top_k(std::span<const T>(biased), config.num_experts_per_tok);
    out.experts = std::move(choice.indices);
    out.margin = choice.margin;
  }
  out.weights = expert_weights(std::span<const T>(scores), std::span<const int32_t>(out.experts), config);
  return out;
}

template std::vector<float> expert_scores(std::span<const float>, ScoringFunc);
template std::vector<double> expert_scores(std::span<const double>, ScoringFunc);
template std::vector<Complex> expert_scores(std::span<const Complex>, ScoringFunc);
template std::vector<float> expert_weights(std::span<const float>, std::span<const int32_t>,
                                           const ModelConfig&);
template std::vector<double> expert_weights(std::span<const double>, std::span<const int32_t>,
                                            const ModelConfig&);
template std::vector<Complex> expert_weights(std::span<const Complex>, std::span<const int32_t>,
                                             const ModelConfig&);
template Route<float> route(std::span<const float>, int32_t, const MoeWeights<float>&, const ModelConfig&);
template Route<double> route(std::span<const double>, int32_t, const MoeWeights<double>&, const ModelConfig&);
template Route<Complex> route(std::span<const Complex>, int32_t, const MoeWeights<Complex>&,
                              const ModelConfig&);

}  // namespace fathom::reference
