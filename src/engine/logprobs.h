// SPDX-License-Identifier: MIT
// Log-probabilities of the model's own logits (api.md 4.5), and whether logits are fit for anything. Pure
// functions; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/event_sink.h"

namespace fathom {

// log(sum exp(logits)); natural logarithm, summed in binary64 in id order.
double log_sum_exp(std::span<const float> logits) noexcept;

// log-softmax of one token, given log_sum_exp of its row.
float log_softmax_at(std::span<const float> logits, int32_t id, double log_sum) noexcept;

// The min(k, V) most likely tokens into `out`, by value, then id. Allocates only where `out` must grow.
void top_logprobs(std::span<const float> logits, int k, double log_sum, std::vector<TokenLogprob>& out);

bool all_finite(std::span<const float> values) noexcept;

}  // namespace fathom
