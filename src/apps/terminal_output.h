// SPDX-License-Identifier: MIT
// TerminalOutput: standard output or error, unbuffered, styled and made harmless when it is a terminal, byte
// for byte otherwise (design.md 18).
//
// Invariant: a style lasts over writes of the same style up to the first that ends its line, never longer
// than the object. The first refusal of the system is kept and ends all writing. Main thread only.
#pragma once

#include <string_view>

#include "base/status.h"

namespace fathom {

enum class Styling : uint8_t { kOff, kOn };
enum class Style : uint8_t { kNormal, kDim, kError };

// Whether TERM names a terminal that obeys control sequences.
bool terminal_takes_controls() noexcept;
// What the environment asks for: kOff for a terminal that takes no controls, or with NO_COLOR set.
Styling wanted_styling() noexcept;

class TerminalOutput {
 public:
  // Without a terminal there is no styling, whatever is wanted.
  TerminalOutput(int descriptor, Styling wanted) noexcept;
  ~TerminalOutput() { switch_to(Style::kNormal); }
  TerminalOutput(const TerminalOutput&) = delete;
  TerminalOutput& operator=(const TerminalOutput&) = delete;

  bool is_terminal() const noexcept { return terminal_; }
  Styling styling() const noexcept { return styling_; }

  void write(std::string_view text, Style style = Style::kNormal);
  // A control sequence of our own; only to a terminal that takes controls.
  void write_control(std::string_view sequence);

  // The first error of a write.
  const Status& status() const noexcept { return status_; }

 private:
  void write_bytes(std::string_view bytes);
  void switch_to(Style style);

  const int descriptor_;
  const bool terminal_;
  const Styling styling_;
  Style style_ = Style::kNormal;  // of what the terminal would show next
  Status status_;
};

}  // namespace fathom
