// SPDX-License-Identifier: MIT
// IoEnv: the one door to files (reliability.md 2). Every open, stat, read, mmap and write of a file
// of the product goes through it, so a test can make the Nth call fail.
//
// Calls behave as the system's: a negative return is -errno, reads may be short, any call may say EINTR.
// Retrying and wording of errors belong to the callers (Directory, MappedFile, read_file). Thread rule: any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fathom {

struct FileStat {
  bool regular = false;  // neither directory, fifo, socket nor device
  int64_t bytes = 0;
  int64_t modified_ns = 0;  // since 1970
};

class IoEnv {
 public:
  virtual ~IoEnv() = default;

  // A descriptor of a directory.
  virtual int open_directory(const std::string& path) noexcept = 0;
  // A descriptor for reading `name` in the directory; never waits (fifo), never follows a link (-ELOOP).
  virtual int open_file(int directory, const std::string& name) noexcept = 0;
  // A descriptor for reading a path of the user's own; links are followed, a fifo is not waited for.
  virtual int open_path(const std::string& path) noexcept = 0;
  // Target of the link `name` in the directory; bytes written to `out`.
  virtual int64_t read_link(int directory, const std::string& name, char* out, size_t capacity) noexcept = 0;
  virtual int stat(int file, FileStat& out) noexcept = 0;
  virtual int64_t read_at(int file, void* out, size_t bytes, int64_t offset) noexcept = 0;
  // Maps [0, bytes) of the file for reading, bytes > 0.
  virtual int map(int file, size_t bytes, const void*& out) noexcept = 0;
  virtual void unmap(const void* data, size_t bytes) noexcept = 0;
  virtual void close(int file) noexcept = 0;

  // A descriptor for writing a new file in the directory, mode 0666 less the umask; -EEXIST for a taken name.
  virtual int create_file(int directory, const std::string& name) noexcept = 0;
  // The same for a file that is nobody else's business: mode 0600.
  virtual int create_private_file(int directory, const std::string& name) noexcept = 0;
  // Makes a directory of mode 0700, not those above it; -EEXIST when there is something.
  virtual int make_private_directory(const std::string& path) noexcept = 0;
  // Names of what is in the directory, in any order.
  virtual int list(int directory, std::vector<std::string>& names) noexcept = 0;
  // Locks the open file against other openers' locks until it is closed; -EWOULDBLOCK when it is locked.
  virtual int try_lock(int file) noexcept = 0;
  // Appends; may write less.
  virtual int64_t write(int file, const void* data, size_t bytes) noexcept = 0;
  // fsync of a file or a directory.
  virtual int sync(int file) noexcept = 0;
  // Renames within the directory, over a file of the new name.
  virtual int rename(int directory, const std::string& from, const std::string& to) noexcept = 0;
  // Removes a file of the directory.
  virtual int remove(int directory, const std::string& name) noexcept = 0;
};

// The real one.
IoEnv& system_io() noexcept;

}  // namespace fathom
