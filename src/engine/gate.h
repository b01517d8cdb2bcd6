// SPDX-License-Identifier: MIT
// Gate: how many requests are inside, and whether one more may enter (api.md 2, "Waiting").
//
// Invariants: a request that entered leaves exactly once; waiting and per-tenant counts never pass their
// limits. Guarded by its own mutex; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/engine.h"

namespace fathom {

struct GateLimits {
  int queue = 256;
  int per_tenant = 32;
  int parallel = 32;
};

class Gate {
 public:
  explicit Gate(const GateLimits& limits) : limits_(limits) {}

  Room room(std::string_view tenant) const;
  // Counts the request in as waiting. kResourceExhausted, kUnavailable; then nothing is counted.
  Status enter(std::string_view tenant);
  // A waiting request begins to run.
  void admitted();
  void left_queue(std::string_view tenant);
  // A running request is gone after `seconds` of running.
  void finished(std::string_view tenant, double seconds);

  // From now on nobody enters.
  void close();

  int64_t waiting() const;
  int64_t running() const;

 private:
  Room room_locked(std::string_view tenant) const;
  void forget(std::string_view tenant);

  const GateLimits limits_;

  mutable std::mutex mu_;
  // guarded by mu_
  bool closed_ = false;
  int waiting_ = 0;
  int running_ = 0;
  double mean_seconds_ = 0.0;  // of running, of the last requests
  std::map<std::string, int, std::less<>> of_tenant_;
};

}  // namespace fathom
