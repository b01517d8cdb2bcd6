// SPDX-License-Identifier: MIT
// FileThread: does file work on a thread of its own (design.md 8). Jobs may be given from one thread; results
// come back through what the job captures, safely after the next wait() or run(). A job that finds no memory
// ends where it is.
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

  enum class Turn : uint8_t {
    kLast,  // after all that is queued
    kNext,  // after the one that is running
  };

  // Queues a job that keeps `bytes` of memory until it is done.
  void post(Job job, int64_t bytes, Turn turn = Turn::kLast);
  // Bytes of the jobs that are not done.
  int64_t pending_bytes();
  // Runs a job and waits for its end.
  void run(const Job& job, Turn turn);
  // Waits until nothing is queued.
  void wait() {
    run([] {}, Turn::kLast);
  }

 private:
  struct Item {
    Job job;
    int64_t bytes = 0;
  };
  void loop();

  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<Item> queue_;     // guarded by mu_, as the two below; without the job that is running
  int64_t pending_bytes_ = 0;  // that one's included
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace fathom
