// SPDX-License-Identifier: MIT
// Sampler: logits to the next token (design.md 11). Order: penalties, bias, temperature, top-k, top-p, min-p,
// softmax.
//
// The random number of a token is a function of (seed, position) alone, so the same seed gives the same
// tokens whatever else runs (design.md 10.5). One per request; allocates only at construction.
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

class Sampler {
 public:
  Sampler(const SamplingParams& params, int64_t vocab_size);

  // Counts tokens for the penalties.
  void add_prompt(std::span<const int32_t> tokens) noexcept;
  void add_output(int32_t token) noexcept;

  // The probabilities [V] that the next token is drawn from. Zeros are exact. Ties in every ranking go to the
  // lower id.
  //   logits  [V] finite
  std::span<const float> distribution(std::span<const float> logits) noexcept;

  // The next token for the given position of the sequence. Does not call add_output.
  int32_t sample(std::span<const float> logits, int64_t position) noexcept;

 private:
  struct Candidate {
    float logit;
    int32_t id;
  };

  std::span<const float> penalised(std::span<const float> logits) noexcept;
  void keep_top_k(std::span<const float> logits) noexcept;
  void keep_top_p() noexcept;
  void keep_min_p() noexcept;
  void softmax() noexcept;

  SamplingParams params_;
  bool has_penalties_;
  std::vector<float> logits_;           // [V] penalised, where there are penalties
  std::vector<Candidate> candidates_;   // kept, best first once ranked
  std::vector<float> probabilities_;    // [V]
  std::vector<float> weights_;          // of the candidates, unnormalised
  std::vector<int32_t> output_counts_;  // [V]
  std::vector<uint8_t> seen_;           // [V] in prompt or output
};

// First id in id order whose cumulative probability exceeds u in [0, 1).
int32_t draw(std::span<const float> probabilities, double u) noexcept;

}  // namespace fathom
