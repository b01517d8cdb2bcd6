// SPDX-License-Identifier: MIT
#include "engine/check_request.h"

#include <algorithm>
#include <string_view>

#include "base/concat.h"
#include "model/transformer.h"

namespace fathom {
namespace {

Status check_ids(std::string_view what, std::span<const int32_t> ids, int64_t vocab_size) {
  for (const int32_t id : ids) {
    if (id >= 0 && id < vocab_size) continue;
    return Status(StatusCode::kInvalidArgument,
                  concat(what, ": expected token ids below ", vocab_size, ", found ", id));
  }
  return Status();
}

Status check_whole(std::string_view what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return Status();
  return Status(StatusCode::kInvalidArgument,
                concat(what, ": expected ", low, " to ", high, ", found ", value));
}

Status check_at_least(std::string_view what, int64_t value, int64_t low) {
  if (value >= low) return Status();
  return Status(StatusCode::kInvalidArgument, concat(what, ": expected ", low, " or more, found ", value));
}

Status check_ids_of(const Request& request, int64_t vocab_size) {
  FATHOM_RETURN_IF_ERROR(check_ids("stop tokens", request.stop_tokens, vocab_size));
  for (const auto& [id, bias] : request.sampling.logit_bias) {
    FATHOM_RETURN_IF_ERROR(check_ids("logit-bias", {&id, 1}, vocab_size));
  }
  if (!request.reasoning) return Status();
  FATHOM_RETURN_IF_ERROR(check_ids("reasoning end", {&request.reasoning->end_token, 1}, vocab_size));
  return check_at_least("reasoning budget", request.reasoning->budget_tokens.value_or(0), 0);
}

Status check_borders(const Request& request) {
  int64_t last = 0;
  for (const int64_t border : request.borders) {
    if (border < last || border > static_cast<int64_t>(request.prompt.size())) {
      return Status(StatusCode::kInvalidArgument,
                    concat("borders: expected ascending positions within the prompt, found ", border));
    }
    last = border;
  }
  return Status();
}

}  // namespace

Status check_prompt(const ModelConfig& config, std::span<const int32_t> prompt, int64_t context) {
  if (prompt.empty()) {
    return Status(StatusCode::kInvalidArgument, "prompt: expected at least one token, found none");
  }
  FATHOM_RETURN_IF_ERROR(check_ids("prompt", prompt, config.vocab_size));
  if (static_cast<int64_t>(prompt.size()) < context) return Status();
  return Status(StatusCode::kOutOfRange, concat("prompt: expected fewer than ", context,
                                                " tokens (the context), found ", prompt.size()));
}

Status check_request(const ModelConfig& config, const Request& request, int64_t context) {
  FATHOM_RETURN_IF_ERROR(request.sampling.validate());
  FATHOM_RETURN_IF_ERROR(check_prompt(config, request.prompt, context));
  FATHOM_RETURN_IF_ERROR(check_at_least("max tokens", request.max_tokens, 0));
  FATHOM_RETURN_IF_ERROR(check_whole("choices", request.choices, 1, kMaxChoices));
  FATHOM_RETURN_IF_ERROR(check_whole("top logprobs", request.top_logprobs.value_or(0), 0, kMaxTopLogprobs));
  FATHOM_RETURN_IF_ERROR(
      check_whole("prompt top logprobs", request.prompt_top_logprobs.value_or(0), 0, kMaxTopLogprobs));
  FATHOM_RETURN_IF_ERROR(check_ids_of(request, config.vocab_size));
  if (request.deadline && request.deadline->count() < 0) {
    return Status(StatusCode::kInvalidArgument,
                  concat("deadline: expected 0 ms or more, found ", request.deadline->count()));
  }
  return check_borders(request);
}

int64_t request_bytes(const ModelConfig& config, const Request& request,
                      const EngineOptions& options) noexcept {
  const int64_t tokens = static_cast<int64_t>(request.prompt.size()) + output_limit(request, options.context);
  return request.choices * SequenceState::bytes_for(config, tokens, row_precision(options.rounding));
}

int64_t output_limit(const Request& request, int64_t context) noexcept {
  return std::min(request.max_tokens, context - static_cast<int64_t>(request.prompt.size()));
}

}  // namespace fathom
