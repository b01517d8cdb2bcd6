// SPDX-License-Identifier: MIT
// Engine::Core: the engine thread and what other threads leave for it (design.md 8).
//
// Members behind `mu_` are the only state that both sides touch; the scheduler is the engine thread's alone.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"
#include "engine/gate.h"
#include "engine/live_request.h"
#include "engine/scheduler.h"

namespace fathom {

class Engine::Core {
 public:
  static Result<std::unique_ptr<Core>> open(const Model& model, const EngineOptions& options);
  ~Core();

  const EngineOptions& options() const noexcept { return options_; }
  Room room(std::string_view tenant) const { return gate_.room(tenant); }
  Result<RequestId> submit(Request request, std::shared_ptr<EventSink> sink);
  void cancel(RequestId id);
  EngineStats stats() const;
  void drain(std::chrono::milliseconds limit);

 private:
  Core(const Model& model, const EngineOptions& options);

  Status check(const Request& request) const;
  Result<RequestId> enqueue(Request request, std::shared_ptr<EventSink> sink);
  void run();
  bool take_orders();
  void publish();

  // immutable after construction
  const Model& model_;
  const EngineOptions options_;

  Gate gate_;

  // engine thread only
  std::unique_ptr<Scheduler> scheduler_;

  mutable std::mutex mu_;
  std::condition_variable changed_;  // something for the engine thread to do
  std::condition_variable emptied_;  // nothing is left in it
  // guarded by mu_
  std::vector<std::unique_ptr<LiveRequest>> arrivals_;
  std::unordered_map<uint64_t, std::shared_ptr<std::atomic<bool>>> cancel_flags_;  // of what is inside
  uint64_t last_id_ = 0;
  std::optional<std::chrono::steady_clock::time_point> abort_at_;  // draining
  bool stop_ = false;
  bool idle_ = true;
  EngineStats stats_;
  uint64_t rejected_ = 0;

  std::thread thread_;  // last, so that it starts with everything in place
};

}  // namespace fathom
