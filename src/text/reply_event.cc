// SPDX-License-Identifier: MIT
#include "text/reply_event.h"

#include <utility>

#include "base/check.h"

namespace fathom {

std::string_view finish_reason_name(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kToolCalls: return "tool_calls";
  }
  return {};
}

void ReplyEventList::add_text(ReplyEvent::Kind kind, std::string_view text) {
  if (text.empty()) return;
  if (events_.empty() || events_.back().kind != kind)
    events_.push_back({kind, std::string(), FinishReason::kStop});
  events_.back().text.append(text);
}

void ReplyEventList::add_call(std::string_view name) {
  events_.push_back({ReplyEvent::Kind::kCall, std::string(name), FinishReason::kStop});
}

void ReplyEventList::add_finish(FinishReason reason) {
  events_.push_back({ReplyEvent::Kind::kFinished, std::string(), reason});
}

std::vector<ReplyEvent> ReplyEventList::take() { return std::exchange(events_, {}); }

void ReplyMessage::add(const ReplyEvent& event) {
  switch (event.kind) {
    case ReplyEvent::Kind::kReasoning: reasoning += event.text; return;
    case ReplyEvent::Kind::kContent: content += event.text; return;
    case ReplyEvent::Kind::kCall: calls.push_back({event.text, std::string()}); return;
    case ReplyEvent::Kind::kArguments:
      FATHOM_CHECK(!calls.empty());
      calls.back().arguments += event.text;
      return;
    case ReplyEvent::Kind::kFinished: finish_reason = event.finish_reason; return;
  }
}

}  // namespace fathom
