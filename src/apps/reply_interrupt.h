// SPDX-License-Identifier: MIT
// ReplyInterrupt: while it lives, SIGINT, SIGTERM and SIGHUP stop the reply that is being computed.
//
// Its own thread waits for the signals, because the main thread computes. Made and read by the main thread.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

#include "apps/signal_events.h"
#include "base/status.h"

namespace fathom {

class ReplyInterrupt {
 public:
  // `signals` must outlive it.
  explicit ReplyInterrupt(SignalEvents& signals);
  ~ReplyInterrupt() { finish(); }
  ReplyInterrupt(const ReplyInterrupt&) = delete;
  ReplyInterrupt& operator=(const ReplyInterrupt&) = delete;

  std::stop_token token() const noexcept { return stop_.get_token(); }
  void stop_reply() noexcept { stop_.request_stop(); }

  // The reply is over: signals are no longer taken.
  void finish() noexcept;
  // After finish(): how often SIGINT came, and whether the program is to end.
  int interrupts() const noexcept { return interrupts_; }
  bool terminated() const noexcept { return terminated_; }

 private:
  void watch() noexcept;

  SignalEvents& signals_;
  std::stop_source stop_;
  int wake_[2] = {-1, -1};  // a pipe; closing the write end ends watch()
  std::atomic<int> interrupts_ = 0;
  std::atomic<bool> terminated_ = false;
  std::thread watcher_;
};

}  // namespace fathom
