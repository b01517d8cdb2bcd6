// SPDX-License-Identifier: MIT
// Metrics: what /metrics shows, in Prometheus text 0.0.4 (api.md 10).
//
// Labels come from our own tables only, never from a client. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "engine/engine_stats.h"
#include "server/reply_writer.h"

namespace fathom {

// How a request for an answer ended.
enum class FinishedAs : uint8_t { kStop, kLength, kToolCalls, kCancelled, kError, kRejected };
inline constexpr int kFinishedKinds = 6;

// Of a request that ran: by its first choice, or by why it failed.
FinishedAs finished_as(std::optional<ChoiceReason> reason, const Status& status) noexcept;

// What the counters do not know by themselves.
struct MetricsFacts {
  std::string model = {};
  std::string fingerprint = {};
  std::string dialect = {};
  std::string version = {};
  std::string commit = {};
  std::string tier = {};
  int64_t connections = 0;
  int64_t resident_bytes = 0;
  EngineStats engine = {};
};

class Metrics {
 public:
  // `route` is the name of a route of ours.
  void count_reply(std::string_view route, int status);
  void count_finished(FinishedAs how);

  std::string text(const MetricsFacts& facts) const;

 private:
  mutable std::mutex mu_;
  // Guarded by mu_.
  std::map<std::pair<std::string, int>, uint64_t> replies_;
  uint64_t finished_[kFinishedKinds] = {};
};

}  // namespace fathom
