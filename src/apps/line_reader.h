// SPDX-License-Identifier: MIT
// LineReader: where a conversation's lines come from: the line editor at a terminal, plain lines otherwise
// (design.md 16). Main thread only.
#pragma once

#include <string>
#include <string_view>

#include "apps/terminal_input.h"
#include "apps/terminal_output.h"
#include "base/status.h"

namespace fathom {

struct InputLine {
  enum class Kind : uint8_t {
    kText,         // a line; may hold line feeds when it was pasted
    kInterrupted,  // Ctrl-C; what had been typed is dropped
    kEnd,          // Ctrl-D, or the end of the file
    kTerminated,   // the program was asked to end
  };
  Kind kind = Kind::kText;
  std::string text;           // without its line end; any bytes
  bool dropped_text = false;  // kInterrupted: something had been typed
};

// What a signal does to a line; nothing for those that only concern the display.
inline bool ends_line(int signal) noexcept {
  return signal == SIGINT || signal == SIGTERM || signal == SIGHUP;
}
inline InputLine line_of_signal(int signal, bool dropped_text) {
  return {signal == SIGINT ? InputLine::Kind::kInterrupted : InputLine::Kind::kTerminated, "", dropped_text};
}

class LineReader {
 public:
  virtual ~LineReader() = default;
  // The next line; the prompt, not empty, is shown where someone types. kIo when the system refuses to read,
  // kInvalidArgument for an endless line.
  virtual Result<InputLine> read(std::string_view prompt) = 0;
  // Puts a message into the history, to be found again with the arrow keys.
  virtual void remember(std::string_view message) = 0;
};

// Lines as they are; the prompt is shown when `output` is a terminal.
class PlainLineReader final : public LineReader {
 public:
  enum class Prompting : uint8_t { kNo, kYes };
  // Both must outlive it.
  PlainLineReader(TerminalInput& input, TerminalOutput& output, Prompting prompting) noexcept
      : input_(input), output_(output), prompting_(prompting) {}

  Result<InputLine> read(std::string_view prompt) override;
  void remember(std::string_view) override {}

 private:
  InputLine take(size_t length, size_t with_end);

  TerminalInput& input_;
  TerminalOutput& output_;
  Prompting prompting_;
};

}  // namespace fathom
