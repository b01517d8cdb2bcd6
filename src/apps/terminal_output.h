// SPDX-License-Identifier: MIT
// TerminalOutput: standard output or error, unbuffered, styled and made harmless when it is a terminal, byte
// for byte otherwise (design.md 18).
//
// Invariant: a style never outlasts its write, so an end at any moment leaves the terminal as it was. The
// first refusal of the system is kept and ends all writing. Main thread only.
#pragma once

#include <string_view>

#include "base/status.h"

namespace fathom {

enum class Styling : uint8_t { kOff, kOn };
enum class Style : uint8_t { kNormal, kDim, kError };

// What the environment asks for: kOff with NO_COLOR set, without TERM, or with TERM=dumb.
Styling wanted_styling() noexcept;

class TerminalOutput {
 public:
  // Without a terminal there is no styling, whatever is wanted.
  TerminalOutput(int descriptor, Styling wanted) noexcept;

  bool is_terminal() const noexcept { return terminal_; }
  Styling styling() const noexcept { return styling_; }

  void write(std::string_view text, Style style = Style::kNormal);
  // A control sequence of our own; only to a terminal with styling.
  void write_control(std::string_view sequence);

  // The first error of a write.
  const Status& status() const noexcept { return status_; }

 private:
  void write_bytes(std::string_view bytes);

  const int descriptor_;
  const bool terminal_;
  const Styling styling_;
  Status status_;
};

}  // namespace fathom
