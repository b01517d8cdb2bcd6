// SPDX-License-Identifier: MIT
// StreamDecoder: token bytes in, whole characters out (chat.md 1). A character comes out with the bytes that
// complete it; bytes that can no longer become one come out at once as U+FFFD. One per reply; not shared
// between threads.
#pragma once

#include <string>
#include <string_view>

namespace fathom {

class StreamDecoder {
 public:
  // Takes the bytes of the next token, returns the text that became final with them.
  std::string push(std::string_view token_bytes);
  // The end: an unfinished character becomes U+FFFD.
  std::string flush();

 private:
  std::string pending_;  // 0 to 3 bytes of an unfinished character
};

}  // namespace fathom
