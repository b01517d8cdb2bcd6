// SPDX-License-Identifier: MIT
// Rounds of a harness: a fixed number of them in a test run, or as many as fit into FATHOM_LONG_SECONDS, with
// other seeds each (.ci/long). One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace fathom {

class Rounds {
 public:
  // `name` is printed with the number of rounds when they were timed.
  Rounds(std::string name, int64_t rounds) : name_(std::move(name)), rounds_(rounds) {
    if (const char* seconds = std::getenv("FATHOM_LONG_SECONDS")) {
      timed_ = true;
      end_ = Time::now() + std::chrono::seconds(std::atoll(seconds));
      seed_ = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    }
  }
  ~Rounds() {
    if (timed_) std::printf("%s: %lld rounds\n", name_.c_str(), static_cast<long long>(done_));
  }
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  // Whether there is another round; it then has its own seed().
  bool next() {
    const bool more = timed_ ? Time::now() < end_ : done_ < rounds_;
    if (more) ++done_;
    return more;
  }
  uint64_t seed() const noexcept { return seed_ + static_cast<uint64_t>(done_); }
  int64_t done() const noexcept { return done_; }

 private:
  using Time = std::chrono::steady_clock;

  std::string name_;
  int64_t rounds_;
  bool timed_ = false;
  Time::time_point end_;
  uint64_t seed_ = 0;
  int64_t done_ = 0;
};

}  // namespace fathom
