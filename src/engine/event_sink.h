// SPDX-License-Identifier: MIT
// EventSink: how an answer reaches whoever asked for it (design.md 11).
//
// Order: started, prompt tokens, tokens of the choices, choice_finished for each, then exactly one of
// finished and failed; failed may come at any point, also before started. All calls come from the engine
// thread, one at a time; they must not block and must not wait for the engine (submit and cancel are
// allowed).
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace fathom {

struct TokenLogprob {
  int32_t id = 0;
  float logprob = 0.0F;
};

struct GeneratedToken {
  int32_t id = 0;
  float logprob = 0.0F;  // log-softmax of the model's own logits; only when asked for
  // The most likely tokens, by value, then id; as many as asked for. Valid during the call.
  std::span<const TokenLogprob> top = {};
};

// The sink's answer to a token: kStop ends the choice with that token (a stop string is complete, a tool call
// is closed), so counts are exact.
enum class TokenVerdict : uint8_t { kContinue, kStop };

// How a choice ended; what the API calls its finish reason also depends on the text (ReplyEvent).
enum class ChoiceEnd : uint8_t {
  kStopped,  // stop token, or the sink's verdict
  kLength,   // max_tokens, or the end of the context
  kAborted,  // the engine gave up: drained, or the logits were not finite
};

struct RequestStart {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt, from the prefix cache
};

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t completion_tokens = 0;  // sampled tokens of all choices, stop tokens included
  int64_t reasoning_tokens = 0;   // those up to and including the end of reasoning
  int64_t drafted_tokens = 0;
  int64_t accepted_tokens = 0;  // of the drafted
  double queue_seconds = 0.0;
  double prefill_seconds = 0.0;  // from admission to the first token
  double decode_seconds = 0.0;   // from the first token to the last
};

class EventSink {
 public:
  virtual ~EventSink() = default;

  // The request has left the queue and is being computed.
  virtual void started(const RequestStart& start) = 0;
  // Prompt token 1, 2, ... (the first has no logprob); only with Request::prompt_top_logprobs.
  virtual void prompt_token(const GeneratedToken& /*token*/) {}
  // A token of a choice, as sampled.
  virtual TokenVerdict token(int choice, const GeneratedToken& token) = 0;
  virtual void choice_finished(int choice, ChoiceEnd end) = 0;
  virtual void finished(const Usage& usage) = 0;
  // kCancelled after Engine::cancel, kDeadlineExceeded, kUnavailable (waited too long, draining) or an error.
  virtual void failed(const Status& status) = 0;
};

}  // namespace fathom
