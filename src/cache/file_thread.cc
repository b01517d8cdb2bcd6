// SPDX-License-Identifier: MIT
#include "cache/file_thread.h"

#include <utility>

namespace fathom {

FileThread::FileThread() : thread_([this] { loop(); }) {}

FileThread::~FileThread() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void FileThread::post(Job job, int64_t bytes) {
  {
    const std::lock_guard lock(mu_);
    queue_.push_back({std::move(job), bytes});
    pending_bytes_ += bytes;
  }
  changed_.notify_all();
}

int64_t FileThread::pending_bytes() {
  const std::lock_guard lock(mu_);
  return pending_bytes_;
}

void FileThread::run(Job job) {
  bool done = false;
  post(
      [&] {
        job();
        const std::lock_guard lock(mu_);
        done = true;
      },
      0);
  std::unique_lock lock(mu_);
  changed_.wait(lock, [&] { return done; });
}

void FileThread::loop() {
  std::unique_lock lock(mu_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Item& item = queue_.front();
    lock.unlock();
    item.job();
    lock.lock();
    pending_bytes_ -= item.bytes;
    queue_.pop_front();
    changed_.notify_all();
  }
}

}  // namespace fathom
