// SPDX-License-Identifier: MIT
// TerminalInput: bytes of standard input, waited for together with signals, so that Ctrl-C ends a wait.
//
// What was read and not consumed is kept: a paste of many lines is read line by line. Main thread only.
#pragma once

#include <string>
#include <string_view>

#include "apps/signal_events.h"
#include "base/status.h"

namespace fathom {

struct InputEvent {
  enum class Kind : uint8_t { kBytes, kEnd, kSignal, kTimeout };
  Kind kind = Kind::kBytes;
  int signal = 0;
};

class TerminalInput {
 public:
  // `signals` must outlive it.
  TerminalInput(int descriptor, SignalEvents& signals) noexcept
      : descriptor_(descriptor), signals_(signals) {}

  // Waits for more bytes than are buffered, the end, or a signal; a negative timeout never passes. kIo when
  // the system refuses.
  Result<InputEvent> wait_for_more(int timeout_ms = -1);

  std::string_view buffered() const noexcept { return std::string_view(buffer_).substr(consumed_); }
  void consume(size_t bytes) noexcept { consumed_ += bytes; }

 private:
  Result<InputEvent> read_more();

  const int descriptor_;
  SignalEvents& signals_;
  std::string buffer_;
  size_t consumed_ = 0;
};

}  // namespace fathom
