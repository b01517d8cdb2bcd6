// SPDX-License-Identifier: MIT
// SignalEvents: the signals of a conversation as something to wait for, so that nothing runs in a signal
// handler: SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT (design.md 8).
//
// Invariant: while it lives these signals are blocked in its thread and in every thread that was started
// since; those that were ignored before stay ignored. One at a time; made and used by the main thread, but
// for take() and descriptor().
#pragma once

#include <csignal>
#include <memory>

#include "base/status.h"

namespace fathom {

class SignalEvents {
 public:
  static Result<std::unique_ptr<SignalEvents>> open();
  ~SignalEvents();
  SignalEvents(const SignalEvents&) = delete;
  SignalEvents& operator=(const SignalEvents&) = delete;

  // Readable while a signal waits.
  int descriptor() const noexcept { return descriptor_; }
  // The next waiting signal, 0 when there is none. Never waits.
  int take() noexcept;

 private:
  SignalEvents(int descriptor, const sigset_t& old_mask) noexcept
      : descriptor_(descriptor), old_mask_(old_mask) {}

  const int descriptor_;
  const sigset_t old_mask_;
};

}  // namespace fathom
