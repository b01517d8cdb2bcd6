// SPDX-License-Identifier: MIT
#include "io/io_env.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <new>

namespace fathom {
namespace {

class SystemIo final : public IoEnv {
 public:
  int open_directory(const std::string& path) noexcept override {
    return or_errno(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  int open_file(int directory, const std::string& name) noexcept override {
    return or_errno(
        ::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  }
  int open_path(const std::string& path) noexcept override {
    return or_errno(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  }
  int64_t read_link(int directory, const std::string& name, char* out, size_t capacity) noexcept override {
    return or_errno(::readlinkat(directory, name.c_str(), out, capacity));
  }
  int stat(int file, FileStat& out) noexcept override {
    struct stat info{};
    if (::fstat(file, &info) != 0) return -errno;
    out = {S_ISREG(info.st_mode), info.st_size,
           int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
    return 0;
  }
  int64_t read_at(int file, void* out, size_t bytes, int64_t offset) noexcept override {
    return or_errno(::pread(file, out, bytes, offset));
  }
  int map(int file, size_t bytes, const void*& out) noexcept override {
    void* data = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) return -errno;
    out = data;
    return 0;
  }
  void unmap(const void* data, size_t bytes) noexcept override { ::munmap(const_cast<void*>(data), bytes); }
  void close(int file) noexcept override { ::close(file); }
  int create_file(int directory, const std::string& name) noexcept override {
    return create(directory, name, 0666);
  }
  int create_private_file(int directory, const std::string& name) noexcept override {
    return create(directory, name, 0600);
  }
  int make_private_directory(const std::string& path) noexcept override {
    return or_errno(::mkdir(path.c_str(), 0700));
  }
  int list(int directory, std::vector<std::string>& names) noexcept override {
    // Its own descriptor: the position in a directory belongs to the open file, and closedir closes it.
    const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return -errno;
    DIR* stream = ::fdopendir(copy);
    if (stream == nullptr) {
      const int error = errno;
      ::close(copy);
      return -error;
    }
    int error = 0;
    try {
      for (errno = 0; const dirent* entry = ::readdir(stream); errno = 0) names.emplace_back(entry->d_name);
      error = errno;
    } catch (const std::bad_alloc&) {
      error = ENOMEM;
    }
    ::closedir(stream);
    return -error;
  }
  int try_lock(int file) noexcept override { return or_errno(::flock(file, LOCK_EX | LOCK_NB)); }
  int64_t write(int file, const void* data, size_t bytes) noexcept override {
    return or_errno(::write(file, data, bytes));
  }
  int sync(int file) noexcept override { return or_errno(::fsync(file)); }
  int rename(int directory, const std::string& from, const std::string& to) noexcept override {
    return or_errno(::renameat(directory, from.c_str(), directory, to.c_str()));
  }
  int remove(int directory, const std::string& name) noexcept override {
    return or_errno(::unlinkat(directory, name.c_str(), 0));
  }

 private:
  static int create(int directory, const std::string& name, mode_t mode) noexcept {
    return or_errno(::openat(directory, name.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
                             mode));
  }
  template <typename T>
  static T or_errno(T result) noexcept {
    return result < 0 ? static_cast<T>(-errno) : result;
  }
};

}  // namespace

IoEnv& system_io() noexcept {
  static SystemIo env;
  return env;
}

}  // namespace fathom
