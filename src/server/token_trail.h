// SPDX-License-Identifier: MIT
// TokenTrail: which tokens made which text, for logprobs (api.md 4.5).
//
// Tokens go in with the number of bytes of text they completed; when text is sent, the tokens whose text
// begins in it come out. What becomes markup is forgotten. One per choice; engine thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "engine/event_sink.h"
#include "text/stream_decoder.h"

namespace fathom {

struct TokenEntry {
  int32_t id = 0;
  float logprob = 0.0F;
  std::vector<TokenLogprob> top;
  int64_t text_offset = 0;  // characters of all text before it
};

class TokenTrail {
 public:
  // A token of ordinary text, or a special one that is shown as `bytes`.
  void push_text(const GeneratedToken& token, std::string_view bytes);
  void push_spelling(const GeneratedToken& token, std::string_view bytes);
  // A special token or the end: an unfinished character becomes U+FFFD here.
  void end_character();

  // The tokens whose text begins within the next `bytes` bytes.
  std::vector<TokenEntry> take(size_t bytes);
  // What is held has become markup.
  void clear();

 private:
  struct Held {
    TokenEntry entry;
    size_t bytes = 0;  // of text, not yet taken
    bool given = false;
  };

  void hold(const GeneratedToken& token, std::string_view text);

  StreamDecoder decoder_;
  int64_t characters_ = 0;  // of all text so far
  std::deque<Held> held_;
};

}  // namespace fathom
