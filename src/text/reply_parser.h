// SPDX-License-Identifier: MIT
// Reads a reply while it is generated: text and marker tokens in, events out (chat.md 6).
//
// Invariants: the events do not depend on how the text is cut; nothing is taken back; time is linear in the
// input, no recursion; a marker is a marker because the caller says so, never because of its letters. Owned
// by one reply; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/call_block.h"
#include "text/dsml_opener.h"
#include "text/reply_event.h"

namespace fathom {

enum class ReplyMarker : uint8_t {
  kEnd,  // EOS; also BOS, <｜User｜>, <｜Assistant｜>: a run-on
  kThinkOpen,
  kThinkClose,
  kDsml,
  kOther,  // any other special token: its spelling is text
};

struct ReplyOptions {
  enum class Start : uint8_t { kContent, kReasoning };  // kReasoning when the prompt ended in <think>
  enum class Calls : uint8_t {
    kPlainText,
    kParsed
  };  // kParsed when there are tools and tool_choice is not none
  Start start = Start::kContent;
  Calls calls = Calls::kPlainText;
};

class ReplyParser {
 public:
  explicit ReplyParser(const ReplyOptions& options);
  ReplyParser(const ReplyParser&) = delete;
  ReplyParser& operator=(const ReplyParser&) = delete;

  // Text of ordinary tokens, UTF-8, cut anywhere.
  void push_text(std::string_view text);
  // A special token; `spelling` is its text.
  void push_marker(ReplyMarker marker, std::string_view spelling);
  // The reply stops without a marker: cut by the length limit, or ended from outside as by EOS.
  void finish_cut();
  void finish_stopped();

  // Nothing that is pushed from now on has an effect; the generation should stop.
  bool ended() const noexcept { return stage_ == Stage::kEnded; }

  // The events since the last call.
  std::vector<ReplyEvent> take_events() { return events_.take(); }

 private:
  enum class Stage : uint8_t { kPlain, kOpener, kBlock, kEnded };

  size_t step(std::string_view text);
  size_t step_plain(std::string_view text);
  size_t step_opener(char c);
  void hold(char c);
  void push_plain_marker(ReplyMarker marker, std::string_view spelling);
  void reopen_plain();
  std::string release_held();
  void emit(std::string_view text);
  void end(FinishReason reason);

  const bool parses_calls_;
  ReplyEventList events_;
  Stage stage_ = Stage::kPlain;
  bool in_reasoning_;
  bool started_ = false;  // something has been pushed
  bool has_calls_ = false;
  int line_feeds_ = 0;  // held in kPlain: up to two, then maybe an angle
  bool angle_ = false;
  BlockOpener opener_;
  CallBlock block_;
};

}  // namespace fathom
