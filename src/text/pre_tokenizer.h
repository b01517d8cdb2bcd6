// SPDX-License-Identifier: MIT
// PreTokenizer: cuts text into the pieces that BPE works on (chat.md 1, step 3), as a scanner instead of
// three regular expressions. The patterns are here as text too, so that a tokenizer.json with other ones can
// be refused.
//
// Invariants: the pieces in order are the whole text; none is empty; time is linear in the text, space
// constant. Borrows the text. One per call of encode.
#pragma once

#include <array>
#include <string_view>

namespace fathom {

class PreTokenizer {
 public:
  // The Split patterns in the order of the passes, exactly as tokenizer.json has them.
  static const std::array<std::string_view, 3> kPatterns;

  // `text` must be well-formed UTF-8.
  explicit PreTokenizer(std::string_view text) noexcept
      : at_(text.data()), stretch_end_(text.data()), end_(text.data() + text.size()) {}

  // The next piece; empty at the end of the text.
  std::string_view next() noexcept;

 private:
  const char* at_;  // start of the next piece
  const char*
      stretch_end_;  // end of what passes 1 and 2 left in one piece; at_ when the next one is not known yet
  const char* end_;
};

}  // namespace fathom
