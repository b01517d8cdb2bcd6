// SPDX-License-Identifier: MIT
// ThreadPool: a fixed set of workers that run one stage at a time (design.md 8).
//
// Invariants: worker w always gets part w; nothing is stolen or queued; stages do not nest. The calling
// thread is worker 0. run() allocates nothing. One caller at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/status.h"

namespace fathom {

// Part `worker` of `workers` nearly equal parts of [0, count), each but the last a multiple of `align` long.
struct PartRange {
  int64_t begin = 0;
  int64_t end = 0;
};
PartRange part_range(int64_t count, int worker, int workers, int64_t align = 1) noexcept;

// A rough estimate of a stage's time on one core: what it reads from memory plus its multiply-adds.
struct StageWork {
  int64_t nanoseconds = 0;

  static StageWork of(int64_t bytes, int64_t multiply_adds) noexcept {
    // 16 GB/s and 64 G/s: a core of a server. Only the order of magnitude matters.
    return {bytes / 16 + multiply_adds / 64};
  }
};

// What the caller of a pool waited for the other workers.
struct PoolWaits {
  int64_t stages = 0;       // shared ones
  int64_t nanoseconds = 0;  // while measured
};
enum class WaitTimes : uint8_t { kIgnore, kMeasure };

class ThreadPool {
 public:
  // Where two cores, one of them busy with something else, still gain: several wake-ups of a parked thread.
  static constexpr int64_t kSharedStageNanoseconds = 150'000;

  // Starts threads - 1 workers. kInvalidArgument outside 1 ... 1024, kResourceExhausted when the system
  // refuses.
  static Result<std::unique_ptr<ThreadPool>> create(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const noexcept { return size_; }

  // The caller's own waits so far; their time only while it is measured, which costs two clock reads a stage.
  const PoolWaits& waits() const noexcept { return waits_; }
  void set_wait_times(WaitTimes wanted) noexcept { wait_times_ = wanted; }

  // Calls stage(worker) once for every worker and returns when all are done. What the stage wrote is visible
  // then. A stage too short to be worth waking others for runs on the caller, one part after the other: the
  // same values, and a busy machine cannot stall it at a barrier.
  template <typename Stage>
  void run(StageWork work, const Stage& stage) noexcept {
    if (work.nanoseconds >= kSharedStageNanoseconds) {
      run(stage);
      return;
    }
    for (int worker = 0; worker < size_; ++worker) stage(worker);
  }

  // The same, always shared out.
  template <typename Stage>
  void run(const Stage& stage) noexcept {
    run_stage([](const void* context, int worker) { (*static_cast<const Stage*>(context))(worker); }, &stage);
  }

 private:
  using StageCall = void (*)(const void*, int);

  explicit ThreadPool(int size) : size_(size), spin_limit_(0) {}
  void run_stage(StageCall call, const void* context) noexcept;
  void work(int worker) noexcept;
  void wait_for_workers() noexcept;
  void wait_for_change(const std::atomic<uint32_t>& value, uint32_t old) const noexcept;

  // immutable after construction
  int size_;
  int spin_limit_;  // pauses before a waiting thread parks; 0 when there are more threads than cores

  // the caller's own
  PoolWaits waits_;
  WaitTimes wait_times_ = WaitTimes::kIgnore;

  // written by the caller before `epoch_` rises, read by workers after it has
  StageCall call_ = nullptr;
  const void* context_ = nullptr;
  bool stop_ = false;

  alignas(64) std::atomic<uint32_t> epoch_{0};    // number of stages begun
  alignas(64) std::atomic<uint32_t> pending_{0};  // workers still inside the stage
  std::vector<std::jthread> threads_;
};

}  // namespace fathom
