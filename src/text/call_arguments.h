// SPDX-License-Identifier: MIT
// Arguments of one call as a growing JSON text (chat.md 6.4 and 6.5).
//
// Invariant: what has been emitted is a prefix of a JSON object; close_call() makes it whole.
// Owned by the parser of one reply.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "text/reply_event.h"

namespace fathom {

class CallArguments {
 public:
  enum class Kind : uint8_t {
    kString,  // goes out escaped as it arrives
    kJson,    // goes out when closed: as it is when valid, else as a JSON string
  };

  explicit CallArguments(ReplyEventList& events) : events_(&events) {}

  void open_call();
  // A name that the call already has: the value is skipped.
  void open_parameter(std::string_view name, Kind kind);
  // Requires an open parameter, as does close_parameter().
  void add_value(std::string_view text);
  void close_parameter();
  void close_call();

  bool in_call() const noexcept { return in_call_; }
  bool in_parameter() const noexcept { return mode_ != Mode::kNone; }

 private:
  enum class Mode : uint8_t { kNone, kString, kJson, kSkipped };

  void emit_escaped(std::string_view text);
  void emit(std::string_view text) { events_->add_text(ReplyEvent::Kind::kArguments, text); }

  ReplyEventList* events_;  // never null
  bool in_call_ = false;
  Mode mode_ = Mode::kNone;
  std::unordered_set<std::string> names_;
  std::string value_;  // of a kJson parameter
};

}  // namespace fathom
