// SPDX-License-Identifier: MIT
// ReplyView: shows a reply while it comes: content on one output, thinking apart from it on another (or, dim,
// on the same terminal), at the end one line of figures. One per reply; main thread only.
#pragma once

#include <string>
#include <string_view>

#include "apps/chat_session.h"
#include "apps/terminal_output.h"

namespace fathom {

// Where a conversation is shown.
struct ChatDisplay {
  enum class Manner : uint8_t {
    kData,    // content byte for byte and one line feed; no figures
    kPeople,  // blank lines around the content dropped, thinking set apart, figures
  };
  TerminalOutput& content;
  TerminalOutput& aside;  // thinking, figures, notices, errors
  Manner manner = Manner::kData;
};

// Text with a prefix on its first and on every further line, and without line feeds at both ends.
class PrefixedLines {
 public:
  PrefixedLines(std::string_view first_prefix, std::string_view next_prefix)
      : first_prefix_(first_prefix), next_prefix_(next_prefix) {}

  // What can be shown once `text` has come too; line feeds wait for what follows them.
  std::string push(std::string_view text);
  bool started() const noexcept { return started_; }

 private:
  std::string first_prefix_;
  std::string next_prefix_;
  size_t line_feeds_ = 0;  // not shown yet
  bool started_ = false;
};

class ReplyView {
 public:
  explicit ReplyView(const ChatDisplay& display);

  // False when the content can no longer be written.
  bool add(const ReplyEvent& event);
  // After the last event; ends the line that is open.
  void finish();

 private:
  void add_reasoning(std::string_view text);
  void add_content(std::string_view text);
  void end_reasoning();

  ChatDisplay display_;
  PrefixedLines reasoning_;
  PrefixedLines content_;
  bool reasoning_open_ = false;
  bool line_open_ = true;  // kData: the content does not end with a line feed
};

// "34 tokens, 456 tok/s, context 130/4096", with what ended the reply when it was not the model.
std::string turn_figures(const TurnResult& turn, int64_t context_used, int64_t context_size);

}  // namespace fathom
