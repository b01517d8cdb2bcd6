// SPDX-License-Identifier: MIT
// FileThread: does file work in the order in which it was given (design.md 8). Jobs may be given from one
// thread; results come back through what the job captures, safely after the next wait() or run().
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace fathom {

class FileThread {
 public:
  using Job = std::function<void()>;

  FileThread();
  // Finishes what was given.
  ~FileThread();
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;

  // Queues a job that keeps `bytes` of memory until it is done.
  void post(Job job, int64_t bytes);
  // Bytes of the jobs that are not done.
  int64_t pending_bytes();
  // Runs a job after all queued ones and waits for its end.
  void run(Job job);
  // Waits until nothing is queued.
  void wait() {
    run([] {});
  }

 private:
  struct Item {
    Job job;
    int64_t bytes = 0;
  };
  void loop();

  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<Item> queue_;  // guarded by mu_; the first is running
  int64_t pending_bytes_ = 0;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace fathom
