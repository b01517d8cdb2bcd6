// SPDX-License-Identifier: MIT
// Transport: one client's byte stream with its timers, plain or TLS, behind which the socket library hides.
//
// Everything but post() belongs to the transport's own I/O thread, on which all callbacks run. At most one
// read and one write at a time; buffers must live until their callback. Owned by its HttpConnection.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace fathom {

class Transport {
 public:
  // `bytes` moved; 0 when the peer has closed, the transport was closed, or something failed.
  using Done = std::function<void(size_t bytes)>;
  enum class Timer : uint8_t { kState, kWrite };
  static constexpr int kTimers = 2;

  virtual ~Transport() = default;

  // The TLS handshake where there is one; `done(0)` when it failed.
  virtual void start(Done done) = 0;
  virtual void read_some(std::span<char> buffer, Done done) = 0;
  virtual void write_some(std::string_view bytes, Done done) = 0;
  virtual void shutdown_send() = 0;
  // Ends pending reads and writes with 0 and cancels the timers.
  virtual void close() = 0;
  // Replaces the timer's former time and callback.
  virtual void set_timer(Timer timer, std::chrono::steady_clock::time_point due,
                         std::function<void()> fired) = 0;
  virtual void cancel_timer(Timer timer) = 0;
  // Runs on the I/O thread, soon. Any thread.
  virtual void post(std::function<void()> work) = 0;
  // Whether the peer is this machine; its address for the log.
  virtual const std::string& peer() const noexcept = 0;
};

}  // namespace fathom
