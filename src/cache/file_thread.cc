// SPDX-License-Identifier: MIT
#include "cache/file_thread.h"

#include <new>
#include <utility>

namespace fathom {
namespace {

// Jobs report by themselves; one that could not is as if its file had been lost.
void do_job(const FileThread::Job& job) noexcept {
  try {
    job();
  } catch (const std::bad_alloc&) {
    return;
  }
}

}  // namespace

FileThread::FileThread() : thread_([this] { loop(); }) {}

FileThread::~FileThread() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void FileThread::post(Job job, int64_t bytes, Turn turn) {
  {
    const std::lock_guard lock(mu_);
    queue_.insert(turn == Turn::kNext ? queue_.begin() : queue_.end(), Item{std::move(job), bytes});
    pending_bytes_ += bytes;
  }
  changed_.notify_all();
}

int64_t FileThread::pending_bytes() {
  const std::lock_guard lock(mu_);
  return pending_bytes_;
}

void FileThread::run(const Job& job, Turn turn) {
  bool done = false;
  post(
      [&] {
        do_job(job);
        const std::lock_guard lock(mu_);
        done = true;
      },
      0, turn);
  std::unique_lock lock(mu_);
  changed_.wait(lock, [&] { return done; });
}

void FileThread::loop() {
  std::unique_lock lock(mu_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Item item = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    do_job(item.job);
    item.job = nullptr;  // what it kept is given back outside the lock
    lock.lock();
    pending_bytes_ -= item.bytes;
    changed_.notify_all();
  }
}

}  // namespace fathom
