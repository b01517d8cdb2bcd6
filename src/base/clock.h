// SPDX-License-Identifier: MIT
// Clock: time that tests can set (reliability.md 2). Any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace fathom {

class Clock {
 public:
  virtual ~Clock() = default;
  // Since some fixed point; never goes back.
  virtual std::chrono::milliseconds now() const noexcept = 0;
};

// The system's monotonic clock.
class SteadyClock final : public Clock {
 public:
  std::chrono::milliseconds now() const noexcept override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
  }
};

inline Clock& steady_clock() noexcept {
  static SteadyClock clock;
  return clock;
}

}  // namespace fathom
