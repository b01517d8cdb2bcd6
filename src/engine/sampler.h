// SPDX-License-Identifier: MIT
// Sampler: logits to the next token (design.md 11). Order: penalties, bias, grammar mask, temperature, top-k,
// top-p, min-p.
//
// The noise of a token is a function of (seed, choice, position, id) alone and the token is the one with the
// largest log-probability plus Gumbel noise (design.md 10.5). So the same seed gives the same tokens whatever
// else runs, and two distributions that are alike mostly give the same token: drafts are drawn the same way.
// A sampler belongs to one answer, a SamplerScratch to one thread; only their construction allocates.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/status.h"

namespace fathom {

struct SamplingParams {
  double temperature = 1.0;                                // 0: greedy, ties to the lower id
  int64_t top_k = 0;                                       // 0: off
  double top_p = 1.0;                                      // 1: off
  double min_p = 0.0;                                      // 0: off
  double repetition_penalty = 1.0;                         // over prompt and output, once a token
  double presence_penalty = 0.0;                           // over output
  double frequency_penalty = 0.0;                          // over output
  std::vector<std::pair<int32_t, float>> logit_bias = {};  // added to the logits of these ids, -100 ... 100
  uint64_t seed = 0;

  // kInvalidArgument naming the first value outside its range.
  Status validate() const;
};

// Working memory of a draw.
struct SamplerScratch {
  explicit SamplerScratch(int64_t vocab_size);

  struct Candidate {
    float logit;
    int32_t id;
  };
  std::vector<float> logits;          // [V] adjusted, where anything adjusts them
  std::vector<float> probabilities;   // [V]
  std::vector<Candidate> candidates;  // kept ones; ranked as far as a cut needs it
  std::vector<float> weights;         // of the candidates, unnormalised
};

class Sampler {
 public:
  // Choices of one request differ in their number only.
  Sampler(const SamplingParams& params, int64_t vocab_size, int choice = 0);

  // Counts tokens for the penalties.
  void add_prompt(std::span<const int32_t> tokens) noexcept;
  void add_output(int32_t token) noexcept;

  // The probabilities [V] that the next token is drawn from. Zeros are exact. Ties in every ranking go to the
  // lower id.
  //   logits  [V] finite
  //   mask    bit id % 32 of mask[id / 32]: the token is allowed; empty: all are. At least one must be.
  std::span<const float> distribution(std::span<const float> logits, SamplerScratch& scratch,
                                      std::span<const uint32_t> mask = {}) const noexcept;

  // The token at the given position of the sequence. Does not call add_output.
  int32_t sample(std::span<const float> logits, int64_t position, SamplerScratch& scratch,
                 std::span<const uint32_t> mask = {}) const noexcept;

 private:
  std::span<const float> adjusted(std::span<const float> logits, SamplerScratch& scratch,
                                  std::span<const uint32_t> mask) const noexcept;
  float inverse_temperature() const noexcept;
  void penalise(std::span<float> logits) const noexcept;
  void keep(std::span<const float> logits, SamplerScratch& scratch) const noexcept;

  SamplingParams params_;
  uint64_t noise_seed_;
  bool has_penalties_;
  std::vector<int32_t> output_counts_;  // [V] where there are penalties
  std::vector<uint8_t> seen_;           // [V] in prompt or output; where there are penalties
};

}  // namespace fathom
