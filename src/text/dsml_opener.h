// SPDX-License-Identifier: MIT
// The beginning of a tool block, from `<` + marker to its first complete call head (chat.md 6.2 and 6.3).
//
// Invariant: everything taken is kept, so that text that turns out to be no block can be given back whole.
// Owned by the parser of one reply.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/dsml_heads.h"

namespace fathom {

class BlockOpener {
 public:
  enum class Step : uint8_t {
    kMore,
    kCall,        // the first head is complete: name()
    kEmptyBlock,  // a wrapper closed without a call
    kNoBlock,     // not a block; the unit that showed it was not taken
  };

  // `held` is the text so far: up to two line feeds, `<`, the marker's spelling.
  void start(std::string held);
  Step push(char c);
  // The DSML marker.
  Step push_marker(std::string_view spelling);

  std::string_view name() const noexcept { return head_.name(); }
  // All text since start(), which is empty afterwards.
  std::string release();

 private:
  enum class State : uint8_t {
    kFirstWord,   // after `<` marker: wrapper with `>`, or invoke
    kSpace,       // after the wrapper
    kAngle,       // `<` inside the wrapper
    kSlash,       // `</` inside the wrapper
    kInvokeWord,  // `<` marker inside the wrapper
    kCloseWord,   // `</` marker inside the wrapper
    kHead,        // after invoke
  };

  Step step(char c);
  Step step_first_word(char c);
  Step step_invoke_word(char c);
  Step step_close_word(char c);

  State state_ = State::kFirstWord;
  std::string held_;
  std::string word_;
  InvokeHead head_;
};

}  // namespace fathom
