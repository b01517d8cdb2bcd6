// SPDX-License-Identifier: MIT
#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/concat.h"
#include "base/counter_rng.h"
#include "numeric/math.h"

namespace fathom {
namespace {

using Candidate = SamplerScratch::Candidate;

// A temperature below its inverse is the same as it: all but the best have weight 0.
constexpr double kMaxInverseTemperature = 1e30;

// Candidates ranked at first for top-p: more than most distributions need.
constexpr size_t kFirstRanked = 64;

Status check_range(const char* name, double value, double low, double high) {
  if (std::isfinite(value) && value >= low && value <= high) return Status();
  return Status(StatusCode::kInvalidArgument,
                concat(name, ": expected ", low, " to ", high, ", found ", value));
}

bool better(const Candidate& a, const Candidate& b) noexcept {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

// Two passes, so that the search for the maximum has no branch to mispredict.
int32_t greedy(std::span<const float> logits) noexcept {
  float best = logits[0];
  for (const float logit : logits) best = logit > best ? logit : best;
  const auto at = std::find(logits.begin(), logits.end(), best);
  return at == logits.end() ? 0
                            : static_cast<int32_t>(at - logits.begin());  // the end only where all are NaN
}

// Finds the largest log-weight plus Gumbel noise -log(-log u), where u depends on (seed, id) only; equal
// sums: the lower id. With v = 1 - u the noise passes d > 0 only if v < e^-d <= 2^-k, k = floor(d log2 e),
// which most ids fail on the leading bits of v, before any logarithm.
class GumbelMax {
 public:
  explicit GumbelMax(uint64_t seed) noexcept : seed_(seed) {}

  void add(double log_weight, int32_t id) noexcept {
    const uint64_t bits = random_bits(seed_, static_cast<uint64_t>(id));
    const double missing = best_ - log_weight;
    if (missing > 0) {
      const double k = missing * 1.4426950408889634;
      if (k >= 55) return;  // beyond the smallest v
      if (k >= 1 && bits >> (64 - static_cast<int>(k)) != 0) return;
    }
    const double v = (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53;
    const double sum = log_weight - log_f64(-log1p_f64(-v));
    if (sum < best_ || (sum == best_ && id > id_)) return;
    best_ = sum;
    id_ = id;
  }
  int32_t id() const noexcept { return id_; }

 private:
  uint64_t seed_;
  double best_ = -std::numeric_limits<double>::infinity();
  int32_t id_ = 0;
};

// Unnormalised weights of the candidates relative to the best logit, whose weight is 1.
void weigh(float best, float inverse_temperature, SamplerScratch& s) noexcept {
  s.weights.resize(s.candidates.size());
  for (size_t i = 0; i < s.candidates.size(); ++i) {
    s.weights[i] = exp_f32((s.candidates[i].logit - best) * inverse_temperature);
  }
}

// A token stays iff the probability of those ranked above it is below p. Ranks no more than it has to.
void keep_top_p(double p, float best, float inverse_temperature, SamplerScratch& s) noexcept {
  auto& candidates = s.candidates;
  weigh(best, inverse_temperature, s);
  double total = 0.0;
  for (const float weight : s.weights) total += weight;
  double above = 0.0;
  size_t kept = 0;
  for (size_t ranked = 0; ranked < candidates.size();) {
    const size_t end = std::min(candidates.size(), std::max(kFirstRanked, 8 * ranked));
    const auto first = candidates.begin() + static_cast<ptrdiff_t>(ranked);
    std::partial_sort(first, candidates.begin() + static_cast<ptrdiff_t>(end), candidates.end(), better);
    for (; kept < end && (kept == 0 || above < p * total); ++kept) {
      above += exp_f32((candidates[kept].logit - best) * inverse_temperature);
    }
    ranked = end;
    if (kept < end) break;
  }
  candidates.resize(kept);
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

SamplerScratch::SamplerScratch(int64_t vocab_size)
    : logits(static_cast<size_t>(vocab_size)), probabilities(static_cast<size_t>(vocab_size)) {
  candidates.reserve(static_cast<size_t>(vocab_size));
  weights.reserve(static_cast<size_t>(vocab_size));
}

Sampler::Sampler(const SamplingParams& params, int64_t vocab_size, int choice)
    : params_(params),
      noise_seed_(random_bits(params.seed, static_cast<uint64_t>(choice))),
      has_penalties_(params.repetition_penalty != 1.0 || params.presence_penalty != 0.0 ||
                     params.frequency_penalty != 0.0),
      output_counts_(has_penalties_ ? static_cast<size_t>(vocab_size) : 0),
      seen_(has_penalties_ ? static_cast<size_t>(vocab_size) : 0) {}

void Sampler::add_prompt(std::span<const int32_t> tokens) noexcept {
  if (!has_penalties_) return;
  for (const int32_t token : tokens) seen_[token] = 1;
}

void Sampler::add_output(int32_t token) noexcept {
  if (!has_penalties_) return;
  seen_[token] = 1;
  ++output_counts_[token];
}

void Sampler::penalise(std::span<float> logits) const noexcept {
  const auto repetition = static_cast<float>(params_.repetition_penalty);
  for (size_t id = 0; id < logits.size(); ++id) {
    float logit = logits[id];
    if (seen_[id] != 0) logit = logit > 0 ? logit / repetition : logit * repetition;
    if (const int32_t count = output_counts_[id]; count > 0) {
      logit -= static_cast<float>(params_.frequency_penalty * count + params_.presence_penalty);
    }
    logits[id] = logit;
  }
}

// The logits themselves when nothing changes them.
std::span<const float> Sampler::adjusted(std::span<const float> logits, SamplerScratch& scratch,
                                         std::span<const uint32_t> mask) const noexcept {
  if (!has_penalties_ && params_.logit_bias.empty() && mask.empty()) return logits;
  std::copy(logits.begin(), logits.end(), scratch.logits.begin());
  if (has_penalties_) penalise(scratch.logits);
  for (const auto& [id, bias] : params_.logit_bias) scratch.logits[id] += bias;
  for (size_t id = 0; !mask.empty() && id < logits.size(); ++id) {
    if ((mask[id / 32] >> (id % 32) & 1U) == 0) {
      scratch.logits[id] = -std::numeric_limits<float>::infinity();
    }
  }
  return scratch.logits;
}

float Sampler::inverse_temperature() const noexcept {
  return static_cast<float>(std::min(1.0 / params_.temperature, kMaxInverseTemperature));
}

// Fills candidates and weights with what temperature, top-k, top-p and min-p leave. Requires a temperature.
void Sampler::keep(std::span<const float> logits, SamplerScratch& s) const noexcept {
  auto& candidates = s.candidates;
  candidates.clear();
  for (size_t id = 0; id < logits.size(); ++id) candidates.push_back({logits[id], static_cast<int32_t>(id)});
  if (params_.top_k > 0 && params_.top_k < static_cast<int64_t>(candidates.size())) {
    std::nth_element(candidates.begin(), candidates.begin() + params_.top_k, candidates.end(), better);
    candidates.resize(static_cast<size_t>(params_.top_k));
  }
  const float best = std::min_element(candidates.begin(), candidates.end(), better)->logit;
  const float inverse = inverse_temperature();
  if (params_.top_p < 1.0) keep_top_p(params_.top_p, best, inverse, s);
  weigh(best, inverse, s);
  for (float& weight : s.weights) {
    if (weight < params_.min_p) weight = 0.0F;
  }
}

std::span<const float> Sampler::distribution(std::span<const float> logits, SamplerScratch& scratch,
                                             std::span<const uint32_t> mask) const noexcept {
  const auto scores = adjusted(logits, scratch, mask);
  std::fill(scratch.probabilities.begin(), scratch.probabilities.end(), 0.0F);
  if (params_.temperature == 0.0) {
    scratch.probabilities[greedy(scores)] = 1.0F;
    return scratch.probabilities;
  }
  keep(scores, scratch);
  double total = 0.0;
  for (const float weight : scratch.weights) total += weight;
  for (size_t i = 0; i < scratch.candidates.size(); ++i) {
    scratch.probabilities[scratch.candidates[i].id] = static_cast<float>(scratch.weights[i] / total);
  }
  return scratch.probabilities;
}

int32_t Sampler::sample(std::span<const float> logits, int64_t position, SamplerScratch& scratch,
                        std::span<const uint32_t> mask) const noexcept {
  const auto scores = adjusted(logits, scratch, mask);
  const int32_t best = greedy(scores);
  if (params_.temperature == 0.0) return best;
  const float inverse = inverse_temperature();
  const auto log_weight = [&](float logit) { return static_cast<double>((logit - scores[best]) * inverse); };
  GumbelMax drawn(random_bits(noise_seed_, static_cast<uint64_t>(position)));
  drawn.add(log_weight(scores[best]), best);
  if (params_.top_k == 0 && params_.top_p >= 1.0 && params_.min_p == 0.0) {
    for (size_t id = 0; id < scores.size(); ++id) drawn.add(log_weight(scores[id]), static_cast<int32_t>(id));
    return drawn.id();
  }
  keep(scores, scratch);
  for (size_t i = 0; i < scratch.candidates.size(); ++i) {
    if (scratch.weights[i] > 0) drawn.add(log_weight(scratch.candidates[i].logit), scratch.candidates[i].id);
  }
  return drawn.id();
}

}  // namespace fathom
