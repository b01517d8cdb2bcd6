// SPDX-License-Identifier: MIT
// StageClock: how long a step spends in each of its stages (performance.md 5). Used by the thread that calls
// forward; time that it waits for the pool's other workers is counted apart.
#pragma once

#include <array>
#include <chrono>

#include "base/thread_pool.h"
#include "model/stage.h"

namespace fathom {

struct StageTimes {
  std::array<double, kStageCount> seconds{};  // by Stage, without waits
  double waits = 0.0;                         // seconds at barriers after the own part of a stage
  double barriers = 0.0;                      // stages shared with the pool
};

class StageClock {
 public:
  explicit StageClock(const ThreadPool& pool) noexcept : pool_(pool) {}

  // What follows belongs to `stage`; what came before belonged to the one entered before.
  void enter(Stage stage) noexcept;
  // Ends a step; the next enter begins one.
  void stop() noexcept;

  const StageTimes& times() const noexcept { return times_; }
  void clear() noexcept { times_ = {}; }

 private:
  void settle() noexcept;

  const ThreadPool& pool_;
  StageTimes times_;
  Stage stage_ = Stage::kOther;
  bool running_ = false;
  std::chrono::steady_clock::time_point since_;
  PoolWaits waits_before_;
};

}  // namespace fathom
