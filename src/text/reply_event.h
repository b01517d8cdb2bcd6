// SPDX-License-Identifier: MIT
// What a reply is made of while it arrives (events) and when it is complete (message): chat.md 6.
//
// Invariant: events are only ever added, never taken back; joining them in order gives the message.
// Thread rule: values; an event list belongs to one reply.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fathom {

enum class FinishReason : uint8_t { kStop, kLength, kToolCalls };

// "stop", "length", "tool_calls".
std::string_view finish_reason_name(FinishReason reason) noexcept;

struct ReplyEvent {
  enum class Kind : uint8_t {
    kReasoning,  // more reasoning text
    kContent,    // more content text
    kCall,       // a call begins; `text` is its name
    kArguments,  // more of the current call's arguments, a piece of JSON text
    kFinished,   // the last event; `finish_reason` is set
  };
  Kind kind = Kind::kContent;
  std::string text;
  FinishReason finish_reason = FinishReason::kStop;
};

// Events in order; neighbours of one kind of text are one event.
class ReplyEventList {
 public:
  void add_text(ReplyEvent::Kind kind, std::string_view text);
  void add_call(std::string_view name);
  void add_finish(FinishReason reason);
  // Hands the events out and starts empty again.
  std::vector<ReplyEvent> take();

 private:
  std::vector<ReplyEvent> events_;
};

struct ReplyCall {
  std::string name;
  std::string arguments;  // JSON text; a prefix of one when the reply was cut
};

struct ReplyMessage {
  std::string reasoning;
  std::string content;
  std::vector<ReplyCall> calls;
  FinishReason finish_reason = FinishReason::kStop;

  // Takes the next event. kArguments requires a kCall before it.
  void add(const ReplyEvent& event);
};

}  // namespace fathom
