// SPDX-License-Identifier: MIT
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace fathom {
namespace {

TEST(PartRange, PartsCoverTheWholeInOrderWithoutOverlap) {
  for (int64_t count : {0, 1, 3, 17, 128, 129}) {
    for (int workers : {1, 2, 3, 7}) {
      for (int64_t align : {1, 4, 16}) {
        int64_t next = 0;
        for (int worker = 0; worker < workers; ++worker) {
          const PartRange part = part_range(count, worker, workers, align);
          EXPECT_EQ(part.begin, next);
          EXPECT_TRUE(part.end == count || part.end % align == 0);
          next = part.end;
        }
        EXPECT_EQ(next, count) << count << " over " << workers << " by " << align;
      }
    }
  }
}

TEST(ThreadPool, EveryWorkerRunsEachStageOnceAndItsWritesAreSeen) {
  for (int threads : {1, 2, 3, 5}) {
    auto pool = ThreadPool::create(threads);
    ASSERT_TRUE(pool.ok());
    std::vector<int64_t> sums(threads, 0);
    for (int stage = 1; stage <= 2000; ++stage) {
      (*pool)->run([&](int worker) { sums[worker] += stage; });
      // Read by the caller between stages: the barrier must publish every worker's write.
      EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), int64_t{0}),
                static_cast<int64_t>(threads) * stage * (stage + 1) / 2);
    }
  }
}

TEST(ThreadPool, AShortStageRunsEveryPartOnTheCaller) {
  auto pool = ThreadPool::create(3);
  ASSERT_TRUE(pool.ok());
  for (const int64_t nanoseconds :
       {int64_t{0}, ThreadPool::kSharedStageNanoseconds - 1, ThreadPool::kSharedStageNanoseconds}) {
    std::vector<std::thread::id> ran_on(3);
    (*pool)->run(StageWork{nanoseconds}, [&](int worker) { ran_on[worker] = std::this_thread::get_id(); });
    const bool shared = nanoseconds >= ThreadPool::kSharedStageNanoseconds;
    for (int worker = 0; worker < 3; ++worker) {
      EXPECT_EQ(ran_on[worker] == std::this_thread::get_id(), !shared || worker == 0) << nanoseconds << " ns";
      EXPECT_NE(ran_on[worker], std::thread::id());
    }
  }
}

TEST(ThreadPool, RefusesSenselessCounts) {
  EXPECT_EQ(ThreadPool::create(0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ThreadPool::create(1025).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace fathom
