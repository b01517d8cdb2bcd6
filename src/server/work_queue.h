// SPDX-License-Identifier: MIT
// WorkQueue: the text threads and their bounded queue (design.md 8).
//
// Work is done in order of arrival; what is not begun when the queue is destroyed is dropped. Any thread
// pushes.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fathom {

class WorkQueue {
 public:
  WorkQueue(int threads, size_t capacity);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // False when the queue is full; the work is then not done. Work must not throw.
  bool push(std::function<void()> work);

 private:
  void run();

  const size_t capacity_;
  std::mutex mu_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;  // guarded by mu_
  bool stopping_ = false;                   // guarded by mu_
  std::vector<std::thread> threads_;
};

}  // namespace fathom
