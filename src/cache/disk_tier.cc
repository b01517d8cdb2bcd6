// SPDX-License-Identifier: MIT
#include "cache/disk_tier.h"

#include <algorithm>
#include <utility>

namespace fathom {

std::vector<SegmentRef> DiskTier::remove_files(const std::vector<SegmentRef>& victims) {
  std::vector<SegmentRef> stayed;
  for (const SegmentRef& victim : victims) {
    if (directory_->remove(victim->header.key)) stayed.push_back(victim);
  }
  return stayed;
}

void DiskTier::report(FileWork work) {
  const std::lock_guard lock(mu_);
  done_.push_back(std::move(work));
}

void DiskTier::write(const SegmentRef& segment, SharedSegment bytes, std::vector<SegmentRef> victims) {
  const auto size = static_cast<int64_t>(bytes->size_bytes());
  const int number = segment->write_number;
  const Digest key = segment->header.key;
  thread_.post(
      [this, segment, number, key, bytes = std::move(bytes), victims = std::move(victims)] {
        FileWork work{
            .written = segment, .write_number = number, .outcome = {}, .stayed = remove_files(victims)};
        work.outcome = work.stayed.empty() ? directory_->write(key, bytes_of(*bytes)) : CacheError::kRemove;
        report(std::move(work));
      },
      size);
  ++segment->pending_writes;
}

void DiskTier::remove(std::vector<SegmentRef> victims) {
  if (victims.empty()) return;
  thread_.post(
      [this, victims = std::move(victims)] {
        report({.written = nullptr, .write_number = 0, .outcome = {}, .stayed = remove_files(victims)});
      },
      0);
}

FileOutcome DiskTier::read(const StoredSegment& segment, SegmentBytes& out) {
  FileOutcome outcome = CacheError::kOutOfMemory;
  const auto turn = segment.pending_writes > 0 ? FileThread::Turn::kLast : FileThread::Turn::kNext;
  thread_.run([&] { outcome = directory_->read(segment.header.key, out); }, turn);
  return outcome;
}

void DiskTier::note(const FileOutcome& outcome) {
  if (!outcome) {
    pause_ = kNoPause;
    off_until_ = std::chrono::milliseconds{INT64_MIN};
    return;
  }
  if (clock_.now() < off_until_) return;  // asked for before the failure that is being waited out
  pause_ = pause_ == kNoPause ? kFirstPause : std::min(2 * pause_, kLongestPause);
  off_until_ = clock_.now() + pause_;
}

std::vector<FileWork> DiskTier::take_done() {
  std::vector<FileWork> done;
  {
    const std::lock_guard lock(mu_);
    done.swap(done_);
  }
  for (const FileWork& work : done) {
    if (!work.written) continue;
    --work.written->pending_writes;
    note(work.outcome);
  }
  return done;
}

}  // namespace fathom
