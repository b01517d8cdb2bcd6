// SPDX-License-Identifier: MIT
// StopText: ends an answer at the first of some texts, even when it spans tokens (api.md 4.4).
//
// Text is held back only while it may still become a stop text. One per answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fathom {

class StopText {
 public:
  // Empty texts are ignored.
  explicit StopText(std::vector<std::string> stops);

  // Takes more of the answer, returns what of it is certain to come before any stop text.
  std::string push(std::string_view text);
  // The answer is over: what was held back, unless a stop text was found.
  std::string flush();
  // A stop text has been seen; it and what follows is dropped.
  bool found() const noexcept { return found_; }
  // Which one: the first to be complete, the longest of those that end together. Empty before.
  const std::string& matched() const noexcept { return matched_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  std::string matched_;
  bool found_ = false;
};

}  // namespace fathom
