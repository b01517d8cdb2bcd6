// SPDX-License-Identifier: MIT
// Request: what the engine is asked for, in token ids (design.md 11; api.md 4).
//
// A value, built on any thread and moved into Engine::submit. Text, chat templates and stop strings are the
// caller's; the engine sees ids only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/sampler.h"

namespace fathom {

class ConstraintPlan;  // text/constraint.h

// Whether the draft layer may propose tokens for the request. Answers are the same either way.
enum class Drafts : uint8_t { kAllowed, kForbidden };

// The answer begins inside a reasoning part, which ends with `end_token` (`</think>`).
struct Reasoning {
  int32_t end_token = 0;
  std::optional<int64_t> budget_tokens;  // after so many tokens of reasoning the end token is forced
};

struct Request {
  std::vector<int32_t> prompt;   // at least one id, all in the vocabulary
  std::vector<int64_t> borders;  // ascending ends of system prompt, tools and messages within the prompt,
                                 // where other prompts may part from this one; hints for the prefix cache
  int64_t max_tokens = 0;        // of each choice; the model's context bounds it too; 0: only the prompt
  SamplingParams sampling;
  std::vector<int32_t> stop_tokens;  // end a choice and are delivered as its last token
  int choices = 1;                   // 1 ... 8 answers to one prefill, with different random numbers
  std::optional<int> top_logprobs;   // absent: no logprobs; 0 ... 20 alternatives beside the token's own
  std::optional<int> prompt_top_logprobs;  // the same for the prompt's tokens, which are then never cached
  std::optional<Reasoning> reasoning;      // absent: content from the first token on
  std::shared_ptr<const ConstraintPlan> constraint;  // on every token of a choice; null: none
  std::string cache_salt;  // narrows what the prefix cache may share within the tenant
  std::string tenant;      // whose request: fairness, limits, prefix cache salt
  int priority = 0;        // higher runs first; waiting raises it (scheduler)
  std::optional<std::chrono::milliseconds> deadline;  // from submit to the last token
  Drafts drafts = Drafts::kAllowed;
};

}  // namespace fathom
