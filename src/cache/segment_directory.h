// SPDX-License-Identifier: MIT
// SegmentDirectory: the files of the disk tier (design.md 12, 19; docs/formats/segment.md).
//
// A segment is there whole or not at all: temporary file, write, fsync, rename, fsync of the directory. A
// file is removed only when it is proven bad, when it was asked for, or when it is a temporary one whose
// writer is gone. Several processes may share the directory. Used by one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/cache_types.h"
#include "cache/segment.h"
#include "io/io_env.h"

namespace fathom {

// A file that was found at the start.
struct FoundSegment {
  SegmentHeader header;  // only key and bytes count where `foreign`
  bool foreign = false;  // another version: not for us to judge
  int64_t bytes = 0;
  int64_t modified_ns = 0;
};

// What the start found.
struct DirectoryScan {
  std::vector<FoundSegment> segments;
  int64_t corrupt = 0;  // removed
  int64_t unread = 0;   // the system refused to read them; left alone
};

// What happened to a file; no error: it was done.
using FileOutcome = std::optional<CacheError>;

class SegmentDirectory {
 public:
  // Opens the directory, makes it when it is absent. kIo and others when the system refuses.
  static Result<std::unique_ptr<SegmentDirectory>> open(IoEnv& env, const std::string& path);
  ~SegmentDirectory();
  SegmentDirectory(const SegmentDirectory&) = delete;
  SegmentDirectory& operator=(const SegmentDirectory&) = delete;

  // Reads all headers; removes what is corrupt and temporary files that nobody writes any more.
  Result<DirectoryScan> scan();
  // Returns when the file will outlive a power loss. kSync or kWrite; nothing is left behind then.
  FileOutcome write(const Digest& key, std::span<const std::byte> bytes);
  // A whole file whose checksum and key are right. kGone, kCorrupt (then it was removed), kRead,
  // kOutOfMemory.
  FileOutcome read(const Digest& key, SegmentBytes& out);
  // kRemove when it may still be there.
  FileOutcome remove(const Digest& key);

 private:
  SegmentDirectory(IoEnv& env, int directory) noexcept : env_(env), directory_(directory) {}
  void scan_file(const std::string& name, DirectoryScan& out);
  void remove_temporary(const std::string& name);
  FileOutcome write_and_rename(const std::string& temporary, const std::string& name,
                               std::span<const std::byte> bytes);
  FileOutcome refuse_corrupt(const std::string& name);

  IoEnv& env_;
  int directory_;
};

}  // namespace fathom
