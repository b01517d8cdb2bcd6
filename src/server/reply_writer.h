// SPDX-License-Identifier: MIT
// ReplyWriter: one protocol's way to write a reply, whole or as events (api.md 4 to 7).
//
// A ReplyRun calls it from the engine thread in this order: started, then pieces of the choices,
// choice_finished for each, then finished; failed instead, at any point. Implementations turn this into bytes
// for an Exchange.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event_sink.h"
#include "server/api_error.h"
#include "server/token_trail.h"
#include "text/reply_event.h"

namespace fathom {

enum class PartKind : uint8_t { kReasoning, kContent };

struct TextPart {
  PartKind kind = PartKind::kContent;
  std::string_view text;             // never empty
  std::vector<TokenEntry> logprobs;  // when asked for
};

struct StartedCall {
  int index = 0;  // of the choice's calls
  std::string_view id;
  std::string_view name;
};

struct ArgumentsPart {
  int index = 0;
  std::string_view text;
};

enum class ChoiceReason : uint8_t { kStop, kLength, kToolCalls, kAborted };
// "stop", "length", "tool_calls", "aborted".
std::string_view choice_reason_name(ChoiceReason reason) noexcept;

// A choice when it is complete; joining its parts gives the same.
struct FinishedChoice {
  ChoiceReason reason = ChoiceReason::kStop;
  ReplyMessage message;
  std::vector<std::string> call_ids;         // one for each call of the message
  std::optional<std::string> stop_string;    // the one that ended the choice
  std::vector<TokenEntry> content_logprobs;  // when asked for
  std::vector<TokenEntry> reasoning_logprobs;
};

class ReplyWriter {
 public:
  virtual ~ReplyWriter() = default;

  virtual void started(const RequestStart& start) = 0;
  virtual void text(int choice, const TextPart& part) = 0;
  virtual void call(int choice, const StartedCall& call) = 0;
  virtual void arguments(int choice, const ArgumentsPart& arguments) = 0;
  virtual void choice_finished(int choice, const FinishedChoice& finished) = 0;
  virtual void finished(const Usage& usage) = 0;
  virtual void failed(const ApiError& error) = 0;
};

}  // namespace fathom
