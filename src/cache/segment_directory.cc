// SPDX-License-Identifier: MIT
#include "cache/segment_directory.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "base/concat.h"
#include "io/descriptor.h"
#include "io/directory.h"

namespace fathom {
namespace {

constexpr std::string_view kTemporaryPrefix = ".writing-";

bool is_key_name(std::string_view name) noexcept {
  return name.size() == 2 * sizeof(Digest) &&
         std::ranges::all_of(name, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Unique among the files of this process; two processes meet in O_EXCL.
std::string temporary_name() {
  static std::atomic<uint64_t> counter = 0;
  return concat(kTemporaryPrefix, ::getpid(), "-", counter.fetch_add(1));
}

enum class ReadOutcome : uint8_t { kDone, kShort, kRefused };

ReadOutcome read_exactly(IoEnv& env, int file, std::span<uint8_t> out) {
  for (size_t filled = 0; filled < out.size();) {
    const int64_t got = retry([&] {
      return env.read_at(file, out.data() + filled, out.size() - filled, static_cast<int64_t>(filled));
    });
    if (got < 0) return ReadOutcome::kRefused;
    if (got == 0) return ReadOutcome::kShort;
    filled += static_cast<size_t>(got);
  }
  return ReadOutcome::kDone;
}

}  // namespace

Result<std::unique_ptr<SegmentDirectory>> SegmentDirectory::open(IoEnv& env, const std::string& path) {
  const int made = retry([&] { return env.make_private_directory(path); });
  if (made < 0 && made != -EEXIST) return system_error(-made, path);
  const int directory = retry([&] { return env.open_directory(path); });
  if (directory < 0) return system_error(-directory, path);
  return std::unique_ptr<SegmentDirectory>(new SegmentDirectory(env, directory));
}

SegmentDirectory::~SegmentDirectory() { env_.close(directory_); }

// A temporary file that can be locked has no writer: writers hold the lock until the file has its name. One
// that is caught between creating and locking it finds the file gone, which is a failed write and no more.
void SegmentDirectory::remove_temporary(const std::string& name) {
  const Descriptor file(env_, retry([&] { return env_.open_file(directory_, name); }));
  if (file.get() < 0 || retry([&] { return env_.try_lock(file.get()); }) < 0) return;
  env_.remove(directory_, name);
}

void SegmentDirectory::scan_file(const std::string& name, DirectoryScan& out) {
  const Descriptor file(env_, retry([&] { return env_.open_file(directory_, name); }));
  if (file.get() == -ENOENT) return;
  FileStat info;
  if (file.get() < 0 || retry([&] { return env_.stat(file.get(), info); }) < 0 || !info.regular) {
    ++out.unread;
    return;
  }
  std::array<uint8_t, kSegmentHeaderBytes> head{};
  const ReadOutcome outcome = read_exactly(env_, file.get(), head);
  if (outcome == ReadOutcome::kRefused) {
    ++out.unread;
    return;
  }
  FoundSegment found;
  found.bytes = info.bytes;
  found.modified_ns = info.modified_ns;
  const auto header = outcome == ReadOutcome::kDone
                          ? parse_segment_header(std::as_bytes(std::span(head)), info.bytes)
                          : Status(StatusCode::kCorrupt, "segment: no header");
  if (header.ok() && hex(header->key) == name) {
    found.header = *header;
  } else if (!header.ok() && header.status().code() == StatusCode::kUnsupported) {
    found.foreign = true;
    found.header.key = digest_from_hex(name);
  } else {
    ++out.corrupt;
    env_.remove(directory_, name);  // if that fails it is met again at the next start
    return;
  }
  out.segments.push_back(found);
}

Result<DirectoryScan> SegmentDirectory::scan() {
  std::vector<std::string> names;
  const int listed = retry([&] {
    names.clear();
    return env_.list(directory_, names);
  });
  if (listed < 0) return system_error(-listed, "cache directory");
  DirectoryScan out;
  for (const std::string& name : names) {
    if (name.starts_with(kTemporaryPrefix)) remove_temporary(name);
    if (is_key_name(name)) scan_file(name, out);
  }
  return out;
}

// Leaves the file under its temporary name or under its final one.
FileOutcome SegmentDirectory::write_and_rename(const std::string& temporary, const std::string& name,
                                               std::span<const std::byte> bytes) {
  const Descriptor file(env_, retry([&] { return env_.create_private_file(directory_, temporary); }));
  if (file.get() < 0 || retry([&] { return env_.try_lock(file.get()); }) < 0) return CacheError::kWrite;
  while (!bytes.empty()) {
    const int64_t written = retry([&] { return env_.write(file.get(), bytes.data(), bytes.size()); });
    if (written <= 0) return CacheError::kWrite;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  // A failed fsync may have lost the bytes for good: the file is thrown away.
  if (retry([&] { return env_.sync(file.get()); }) < 0) return CacheError::kSync;
  if (retry([&] { return env_.rename(directory_, temporary, name); }) < 0) return CacheError::kWrite;
  return std::nullopt;
}

FileOutcome SegmentDirectory::write(const Digest& key, std::span<const std::byte> bytes) {
  const std::string temporary = temporary_name();
  const std::string name = hex(key);
  if (const FileOutcome outcome = write_and_rename(temporary, name, bytes)) {
    env_.remove(directory_, temporary);
    return outcome;
  }
  if (retry([&] { return env_.sync(directory_); }) >= 0) return std::nullopt;
  env_.remove(directory_, name);
  return CacheError::kSync;
}

FileOutcome SegmentDirectory::refuse_corrupt(const std::string& name) {
  env_.remove(directory_, name);
  return CacheError::kCorrupt;
}

FileOutcome SegmentDirectory::read(const Digest& key, SegmentBytes& out) {
  const std::string name = hex(key);
  const Descriptor file(env_, retry([&] { return env_.open_file(directory_, name); }));
  if (file.get() == -ENOENT) return CacheError::kGone;
  FileStat info;
  if (file.get() < 0 || retry([&] { return env_.stat(file.get(), info); }) < 0 || !info.regular) {
    return CacheError::kRead;
  }
  if (info.bytes < kSegmentHeaderBytes || info.bytes > kMaxSegmentBytes) return refuse_corrupt(name);
  auto bytes = SegmentBytes::allocate(1, info.bytes);
  if (!bytes.ok()) return CacheError::kOutOfMemory;
  const ReadOutcome outcome = read_exactly(env_, file.get(), {bytes->data(), bytes->size_bytes()});
  if (outcome == ReadOutcome::kRefused) return CacheError::kRead;
  const auto parsed = parse_segment(bytes_of(*bytes), Checksum::kVerify);
  // Of another version by now: not ours, and not proven bad.
  if (!parsed.ok() && parsed.status().code() == StatusCode::kUnsupported) return CacheError::kGone;
  if (outcome == ReadOutcome::kShort || !parsed.ok() || parsed->header.key != key)
    return refuse_corrupt(name);
  out = std::move(bytes).value();
  return std::nullopt;
}

FileOutcome SegmentDirectory::remove(const Digest& key) {
  const int removed = retry([&] { return env_.remove(directory_, hex(key)); });
  return removed < 0 && removed != -ENOENT ? FileOutcome(CacheError::kRemove) : std::nullopt;
}

}  // namespace fathom
