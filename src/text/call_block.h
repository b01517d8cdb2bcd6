// SPDX-License-Identifier: MIT
// A tool block from its first complete call head on: calls, parameters, junk (chat.md 6.3 to 6.6).
//
// Invariant: every character and marker is taken exactly once or belongs to a bounded held tag or head, so
// time is linear. Owned by the parser of one reply.
#pragma once

#include <cstdint>
#include <string_view>

#include "text/call_arguments.h"
#include "text/dsml_heads.h"
#include "text/dsml_tag.h"
#include "text/reply_event.h"

namespace fathom {

class CallBlock {
 public:
  explicit CallBlock(ReplyEventList& events) : events_(&events), arguments_(events) {}

  // The first call's head is complete.
  void start(std::string_view name);
  void push_text(std::string_view text);
  void push_dsml(std::string_view spelling);
  // Any other special token that does not end the reply.
  void push_special(std::string_view spelling);
  // EOS: what is open is closed. (After the length limit nothing more is emitted.)
  void close();

  // A closing wrapper tag was read; the reply is over.
  bool ended() const noexcept { return state_ == State::kEnded; }

 private:
  enum class State : uint8_t { kBetween, kInvokeHead, kParameterHead, kValue, kEnded };

  size_t step(std::string_view text);
  size_t step_body(std::string_view text);
  size_t end_tag(char next);
  size_t step_invoke_head(char c);
  size_t step_parameter_head(char c);
  void break_head(std::string_view taken);
  void announce(std::string_view name);
  void close_value();
  void close_call();
  void release_tag();

  ReplyEventList* events_;  // never null
  CallArguments arguments_;
  State state_ = State::kBetween;
  TagScanner tag_;  // active in kBetween and kValue only
  InvokeHead invoke_head_;
  ParameterHead parameter_head_;
};

}  // namespace fathom
