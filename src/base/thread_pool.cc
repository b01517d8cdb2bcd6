// SPDX-License-Identifier: MIT
#include "base/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "base/concat.h"
#include "base/cpu_count.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fathom {
namespace {

constexpr int kMaxThreads = 1024;
// About 50 us: longer than the gap between two stages of a step, shorter than a scheduler tick.
constexpr int kSpinPauses = 2000;

void pause_cpu() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

PartRange part_range(int64_t count, int worker, int workers, int64_t align) noexcept {
  const int64_t units = (count + align - 1) / align;
  const int64_t begin = units * worker / workers * align;
  const int64_t end = units * (worker + 1) / workers * align;
  return {std::min(begin, count), std::min(end, count)};
}

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(int threads) {
  if (threads < 1 || threads > kMaxThreads) {
    return Status(StatusCode::kInvalidArgument,
                  concat("threads: expected 1 to ", kMaxThreads, ", found ", threads));
  }
  std::unique_ptr<ThreadPool> pool(new ThreadPool(threads));
  if (threads <= default_thread_count()) pool->spin_limit_ = kSpinPauses;
  try {
    for (int worker = 1; worker < threads; ++worker) {
      pool->threads_.emplace_back([p = pool.get(), worker] { p->work(worker); });
    }
  } catch (const std::system_error& e) {
    return Status(StatusCode::kResourceExhausted,
                  concat("threads: the system refused to start ", threads, " threads: ", e.what()));
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
}

void ThreadPool::wait_for_change(const std::atomic<uint32_t>& value, uint32_t old) const noexcept {
  for (int i = 0; i < spin_limit_; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause_cpu();
  }
  value.wait(old, std::memory_order_acquire);
}

void ThreadPool::run_stage(StageCall call, const void* context) noexcept {
  if (size_ == 1) {
    call(context, 0);
    return;
  }
  call_ = call;
  context_ = context;
  pending_.store(static_cast<uint32_t>(threads_.size()), std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  call(context, 0);
  ++waits_.stages;
  if (wait_times_ == WaitTimes::kIgnore) return wait_for_workers();
  const auto start = std::chrono::steady_clock::now();
  wait_for_workers();
  waits_.nanoseconds += std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
}

void ThreadPool::wait_for_workers() noexcept {
  for (uint32_t left = pending_.load(std::memory_order_acquire); left != 0;
       left = pending_.load(std::memory_order_acquire)) {
    wait_for_change(pending_, left);
  }
}

void ThreadPool::work(int worker) noexcept {
  for (uint32_t seen = 0;;) {
    wait_for_change(epoch_, seen);
    const uint32_t epoch = epoch_.load(std::memory_order_acquire);
    if (epoch == seen) continue;
    seen = epoch;
    if (stop_) return;
    call_(context_, worker);
    if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) pending_.notify_all();
  }
}

}  // namespace fathom
