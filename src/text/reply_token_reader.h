// SPDX-License-Identifier: MIT
// Generated token ids in, reply events out: the parser behind a StreamDecoder (chat.md 6).
//
// Invariant: text pieces are whole characters; a special token is told by its id only.
// Owned by one reply; one thread at a time. Tokenizer and MarkerIds must outlive it.
#pragma once

#include <cstdint>
#include <vector>

#include "text/chat_markers.h"
#include "text/chat_prompt.h"
#include "text/reply_parser.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace fathom {

// How to read the reply to a prompt: in reasoning when the prompt ended in <think>.
ReplyOptions reply_options(const Prompt& prompt, ReplyOptions::Calls calls) noexcept;

class ReplyTokenReader {
 public:
  ReplyTokenReader(const Tokenizer& tokenizer, const MarkerIds& markers, const ReplyOptions& options)
      : tokenizer_(&tokenizer), markers_(&markers), parser_(options) {}

  // The next sampled token, EOS included.
  void push(int32_t id);
  // As ReplyParser's; an unfinished character becomes U+FFFD.
  void finish_cut();
  void finish_stopped();

  // The generation should stop: the reply is complete.
  bool ended() const noexcept { return parser_.ended(); }
  std::vector<ReplyEvent> take_events() { return parser_.take_events(); }

 private:
  const Tokenizer* tokenizer_;  // never null
  const MarkerIds* markers_;    // never null
  StreamDecoder decoder_;
  ReplyParser parser_;
};

}  // namespace fathom
