// SPDX-License-Identifier: MIT
#include "apps/terminal_output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "apps/terminal_text.h"
#include "io/directory.h"

namespace fathom {
namespace {

std::string_view start_of(Style style) noexcept {
  switch (style) {
    case Style::kNormal: return "\x1b[0m";
    case Style::kDim: return "\x1b[2m";
    case Style::kError: return "\x1b[31m";
  }
  return "";
}

std::string_view variable(const char* name) noexcept {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

bool terminal_takes_controls() noexcept {
  const std::string_view terminal = variable("TERM");
  return !terminal.empty() && terminal != "dumb";
}

Styling wanted_styling() noexcept {
  return terminal_takes_controls() && variable("NO_COLOR").empty() ? Styling::kOn : Styling::kOff;
}

TerminalOutput::TerminalOutput(int descriptor, Styling wanted) noexcept
    : descriptor_(descriptor),
      terminal_(::isatty(descriptor) == 1),
      styling_(terminal_ ? wanted : Styling::kOff) {}

void TerminalOutput::write(std::string_view text, Style style) {
  if (text.empty()) return;
  if (!terminal_) return write_bytes(text);
  switch_to(style);
  write_bytes(visible_text(text));
  if (text.ends_with('\n')) switch_to(Style::kNormal);
}

void TerminalOutput::switch_to(Style style) {
  if (styling_ == Styling::kOff || style == style_) return;
  if (style_ != Style::kNormal) write_bytes(start_of(Style::kNormal));
  if (style != Style::kNormal) write_bytes(start_of(style));
  style_ = style;
}

void TerminalOutput::write_control(std::string_view sequence) {
  if (terminal_ && terminal_takes_controls()) write_bytes(sequence);
}

void TerminalOutput::write_bytes(std::string_view bytes) {
  while (!bytes.empty() && status_.ok()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {  // someone who shares the terminal made it non-blocking
      pollfd ready{descriptor_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      status_ = system_error(errno, descriptor_ == STDOUT_FILENO ? "standard output" : "standard error");
    }
  }
}

}  // namespace fathom
