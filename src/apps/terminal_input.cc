// SPDX-License-Identifier: MIT
#include "apps/terminal_input.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "io/directory.h"

namespace fathom {

Result<InputEvent> TerminalInput::wait_for_more(int timeout_ms) {
  for (;;) {
    pollfd ready[2] = {{signals_.descriptor(), POLLIN, 0}, {descriptor_, POLLIN, 0}};
    const int count = ::poll(ready, 2, timeout_ms);
    if (count < 0 && errno != EINTR) return system_error(errno, "standard input");
    if (count == 0) return InputEvent{InputEvent::Kind::kTimeout};
    if (const int signal = signals_.take(); signal != 0) return InputEvent{InputEvent::Kind::kSignal, signal};
    if (count < 0 || ready[1].revents == 0) continue;
    Result<InputEvent> event = read_more();
    if (!event.ok() || event->kind != InputEvent::Kind::kTimeout) return event;
  }
}

// kTimeout: nothing there after all.
Result<InputEvent> TerminalInput::read_more() {
  char bytes[1 << 16];
  const ssize_t count = ::read(descriptor_, bytes, sizeof bytes);
  // EIO: the terminal is gone, which is an end like any other.
  if (count == 0 || (count < 0 && errno == EIO)) return InputEvent{InputEvent::Kind::kEnd};
  if (count < 0) {
    if (errno == EINTR || errno == EAGAIN) return InputEvent{InputEvent::Kind::kTimeout};
    return system_error(errno, "standard input");
  }
  buffer_.erase(0, consumed_);
  consumed_ = 0;
  buffer_.append(bytes, static_cast<size_t>(count));
  return InputEvent{InputEvent::Kind::kBytes};
}

}  // namespace fathom
