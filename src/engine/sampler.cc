// SPDX-License-Identifier: MIT
#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/concat.h"
#include "base/counter_rng.h"
#include "numeric/math.h"

namespace fathom {
namespace {

Status check_range(const char* name, double value, double low, double high) {
  if (std::isfinite(value) && value >= low && value <= high) return Status();
  return Status(StatusCode::kInvalidArgument,
                concat(name, ": expected ", low, " to ", high, ", found ", value));
}

// Two passes, so that the search for the maximum has no branch to mispredict.
int32_t greedy(std::span<const float> logits) noexcept {
  float best = logits[0];
  for (const float logit : logits) best = logit > best ? logit : best;
  const auto at = std::find(logits.begin(), logits.end(), best);
  return at == logits.end() ? 0
                            : static_cast<int32_t>(at - logits.begin());  // the end only where all are NaN
}

}  // namespace

Status SamplingParams::validate() const {
  FATHOM_RETURN_IF_ERROR(check_range("temperature", temperature, 0, 100));
  FATHOM_RETURN_IF_ERROR(check_range("top-k", static_cast<double>(top_k), 0, 1 << 22));
  FATHOM_RETURN_IF_ERROR(check_range("top-p", top_p, 0, 1));
  FATHOM_RETURN_IF_ERROR(check_range("min-p", min_p, 0, 1));
  FATHOM_RETURN_IF_ERROR(check_range("repetition-penalty", repetition_penalty, 1e-3, 1e3));
  FATHOM_RETURN_IF_ERROR(check_range("presence-penalty", presence_penalty, -1e3, 1e3));
  for (const auto& [id, bias] : logit_bias)
    FATHOM_RETURN_IF_ERROR(check_range("logit-bias", bias, -100, 100));
  return check_range("frequency-penalty", frequency_penalty, -1e3, 1e3);
}

Sampler::Sampler(const SamplingParams& params, int64_t vocab_size)
    : params_(params),
      has_penalties_(params.repetition_penalty != 1.0 || params.presence_penalty != 0.0 ||
                     params.frequency_penalty != 0.0 || !params.logit_bias.empty()),
      logits_(static_cast<size_t>(vocab_size)),
      probabilities_(static_cast<size_t>(vocab_size)),
      weights_(static_cast<size_t>(vocab_size)),
      output_counts_(static_cast<size_t>(vocab_size)),
      seen_(static_cast<size_t>(vocab_size)) {
  candidates_.reserve(static_cast<size_t>(vocab_size));
}

void Sampler::add_prompt(std::span<const int32_t> tokens) noexcept {
  for (const int32_t token : tokens) seen_[token] = 1;
}

void Sampler::add_output(int32_t token) noexcept {
  seen_[token] = 1;
  ++output_counts_[token];
}

// The logits themselves when no penalty is in force.
std::span<const float> Sampler::penalised(std::span<const float> logits) noexcept {
  if (!has_penalties_) return logits;
  const auto repetition = static_cast<float>(params_.repetition_penalty);
  for (size_t id = 0; id < logits.size(); ++id) {
    float logit = logits[id];
    if (seen_[id] != 0) logit = logit > 0 ? logit / repetition : logit * repetition;
    if (const int32_t count = output_counts_[id]; count > 0) {
      logit -= static_cast<float>(params_.frequency_penalty * count + params_.presence_penalty);
    }
    logits_[id] = logit;
  }
  for (const auto& [id, bias] : params_.logit_bias) logits_[id] += bias;
  return logits_;
}

// Best first. Without a cut only the kept ones matter, so the rest is not ranked.
void Sampler::keep_top_k(std::span<const float> logits) noexcept {
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
  };
  candidates_.clear();
  for (size_t id = 0; id < logits.size(); ++id) candidates_.push_back({logits[id], static_cast<int32_t>(id)});
  if (params_.top_k > 0 && params_.top_k < static_cast<int64_t>(candidates_.size())) {
    std::nth_element(candidates_.begin(), candidates_.begin() + params_.top_k, candidates_.end(), better);
    candidates_.resize(static_cast<size_t>(params_.top_k));
  }
  if (params_.top_p < 1.0) {
    std::sort(candidates_.begin(), candidates_.end(), better);
  } else {
    std::iter_swap(candidates_.begin(), std::min_element(candidates_.begin(), candidates_.end(), better));
  }
}

// Unnormalised weights of the candidates, the best one's being 1.
void Sampler::softmax() noexcept {
  const auto inverse = static_cast<float>(1.0 / params_.temperature);
  for (size_t i = 0; i < candidates_.size(); ++i) {
    weights_[i] = exp_f32((candidates_[i].logit - candidates_[0].logit) * inverse);
  }
}

// A token stays iff the probability of those ranked above it is below p.
void Sampler::keep_top_p() noexcept {
  if (params_.top_p >= 1.0) return;
  const double total =
      std::accumulate(weights_.begin(), weights_.begin() + static_cast<ptrdiff_t>(candidates_.size()), 0.0);
  double above = weights_[0];
  size_t kept = 1;
  for (; kept < candidates_.size() && above < params_.top_p * total; ++kept) above += weights_[kept];
  candidates_.resize(kept);
}

void Sampler::keep_min_p() noexcept {
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (weights_[i] < params_.min_p) weights_[i] = 0.0F;
  }
}

std::span<const float> Sampler::distribution(std::span<const float> logits) noexcept {
  const auto scores = penalised(logits);
  std::fill(probabilities_.begin(), probabilities_.end(), 0.0F);
  if (params_.temperature == 0.0) {
    probabilities_[greedy(scores)] = 1.0F;
    return probabilities_;
  }
  keep_top_k(scores);
  softmax();
  keep_top_p();
  keep_min_p();
  const double total =
      std::accumulate(weights_.begin(), weights_.begin() + static_cast<ptrdiff_t>(candidates_.size()), 0.0);
  for (size_t i = 0; i < candidates_.size(); ++i) {
    probabilities_[candidates_[i].id] = static_cast<float>(weights_[i] / total);
  }
  return probabilities_;
}

int32_t Sampler::sample(std::span<const float> logits, int64_t position) noexcept {
  if (params_.temperature == 0.0) return greedy(penalised(logits));
  return draw(distribution(logits), random_uniform(params_.seed, static_cast<uint64_t>(position)));
}

int32_t draw(std::span<const float> probabilities, double u) noexcept {
  double cumulative = 0.0;
  size_t last = 0;
  for (size_t id = 0; id < probabilities.size(); ++id) {
    if (probabilities[id] == 0.0F) continue;
    last = id;  // rounding may leave the sum a little under u; the last possible token takes the rest
    cumulative += probabilities[id];
    if (cumulative > u) break;
  }
  return static_cast<int32_t>(last);
}

}  // namespace fathom
