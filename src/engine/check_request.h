// SPDX-License-Identifier: MIT
// What a request must be before it enters the queue (api.md 3, 4; reliability.md 3). Pure functions; any
// thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "config/model_config.h"
#include "engine/engine.h"
#include "engine/request.h"

namespace fathom {

inline constexpr int kMaxChoices = 8;
inline constexpr int kMaxTopLogprobs = 20;

// At least one id, all in the vocabulary, fewer than the context (kOutOfRange).
Status check_prompt(const ModelConfig& config, std::span<const int32_t> prompt, int64_t context);

// kInvalidArgument naming the first field that is wrong; kOutOfRange for a prompt that fills the context.
Status check_request(const ModelConfig& config, const Request& request, int64_t context);

// State memory of all choices of a request at their longest.
int64_t request_bytes(const ModelConfig& config, const Request& request,
                      const EngineOptions& options) noexcept;

// Tokens that each choice may get.
int64_t output_limit(const Request& request, int64_t context) noexcept;

}  // namespace fathom
