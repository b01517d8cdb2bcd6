// SPDX-License-Identifier: MIT
// DiskTier: the file work of the prefix cache, given from the engine thread and done on the cache thread
// (design.md 12). Goes off when the disk refuses writes and tries again after a while (reliability.md C-6).
//
// Owned by PrefixCache. Public functions: engine thread. What the cache thread hands back is guarded by mu_.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "cache/file_thread.h"
#include "cache/segment_directory.h"
#include "cache/segment_index.h"

namespace fathom {

// File work that is done.
struct FileWork {
  SegmentRef written;              // null when only removals were asked for
  int write_number = 0;            // of `written`, as it was when asked for
  FileOutcome outcome;             // of the write
  std::vector<SegmentRef> stayed;  // could not be removed
};

class DiskTier {
 public:
  DiskTier(std::unique_ptr<SegmentDirectory> directory, const Clock& clock)
      : directory_(std::move(directory)), clock_(clock) {}

  // Takes writes, or has been off long enough to try one.
  bool accepts() const noexcept { return clock_.now() >= off_until_; }
  // The last write that was tried went well.
  bool on() const noexcept { return pause_ == kNoPause; }
  // Whether the queue has room for this much more.
  bool has_queue_room(int64_t bytes) { return thread_.pending_bytes() + bytes <= kMostQueuedBytes; }

  // Removes the victims, then writes; when one of them stays, nothing is written.
  void write(const SegmentRef& segment, SharedSegment bytes, std::vector<SegmentRef> victims);
  void remove(std::vector<SegmentRef> victims);
  // Reads on the cache thread and waits for it: before what is queued, unless its own writing is among that.
  FileOutcome read(const StoredSegment& segment, SegmentBytes& out);
  // What was done since the last call; also decides whether the tier is on.
  std::vector<FileWork> take_done();
  void wait() { thread_.wait(); }

 private:
  static constexpr std::chrono::milliseconds kNoPause{0};
  static constexpr std::chrono::milliseconds kFirstPause{1000};
  static constexpr std::chrono::milliseconds kLongestPause{60'000};
  // Segments that wait to be written take this much beside the RAM tier's budget, or one segment.
  static constexpr int64_t kMostQueuedBytes = int64_t{64} << 20;

  std::vector<SegmentRef> remove_files(const std::vector<SegmentRef>& victims);
  void report(FileWork work);
  void note(const FileOutcome& outcome);

  std::unique_ptr<SegmentDirectory> directory_;  // cache thread only
  const Clock& clock_;
  std::chrono::milliseconds off_until_{INT64_MIN};
  std::chrono::milliseconds pause_ = kNoPause;
  std::mutex mu_;
  std::vector<FileWork> done_;  // guarded by mu_
  FileThread thread_;           // last: it ends before what its jobs use
};

}  // namespace fathom
