// SPDX-License-Identifier: MIT
#include "engine/logprobs.h"

#include <algorithm>
#include <cmath>

#include "numeric/math.h"

namespace fathom {

double log_sum_exp(std::span<const float> logits) noexcept {
  const float top = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += exp_f32(logit - top);
  return top + log_f64(sum);
}

float log_softmax_at(std::span<const float> logits, int32_t id, double log_sum) noexcept {
  return static_cast<float>(logits[id] - log_sum);
}

void top_logprobs(std::span<const float> logits, int k, double log_sum, std::vector<TokenLogprob>& out) {
  out.clear();
  if (k == 0) return;
  const auto better = [](const TokenLogprob& a, const TokenLogprob& b) {
    return a.logprob > b.logprob || (a.logprob == b.logprob && a.id < b.id);
  };
  // A heap of the best k with the worst in front; most logits fail on one comparison.
  out.reserve(static_cast<size_t>(k) + 1);
  for (size_t id = 0; id < logits.size(); ++id) {
    const TokenLogprob candidate{static_cast<int32_t>(id), logits[id]};
    if (out.size() == static_cast<size_t>(k) && !better(candidate, out.front())) continue;
    out.push_back(candidate);
    std::push_heap(out.begin(), out.end(), better);
    if (out.size() <= static_cast<size_t>(k)) continue;
    std::pop_heap(out.begin(), out.end(), better);
    out.pop_back();
  }
  std::sort_heap(out.begin(), out.end(), better);
  for (TokenLogprob& entry : out) entry.logprob = log_softmax_at(logits, entry.id, log_sum);
}

bool all_finite(std::span<const float> values) noexcept {
  // Infinity and NaN times zero are NaN, which no sum loses.
  float sum = 0.0F;
  for (const float value : values) sum += value * 0.0F;
  return sum == 0.0F;
}

}  // namespace fathom
