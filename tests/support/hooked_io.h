// SPDX-License-Identifier: MIT
// HookedIo: the system's files with a look at every call before it is made (reliability.md 2): to let it
// fail, to end the process there, or to note it. The hook is called by whoever calls, one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/io_env.h"

namespace fathom {

enum class IoCall : uint8_t {
  kOpen,
  kStat,
  kRead,
  kCreate,
  kMakeDirectory,
  kList,
  kLock,
  kWrite,
  kSync,
  kRename,
  kRemove
};
inline constexpr int kIoCallCount = 11;

struct IoEvent {
  IoCall call;
  int file = -1;              // descriptor, of the directory where a name counts
  std::string_view name;      // also the old name of a rename
  std::string_view new_name;  // of a rename
  std::string_view bytes;     // of a write
};

class HookedIo final : public IoEnv {
 public:
  // 0 lets the call through, a negative errno value is its result instead.
  using Hook = std::function<int(const IoEvent&)>;
  explicit HookedIo(Hook hook) : hook_(std::move(hook)) {}
  // Called with what succeeded: the descriptor of kOpen and kCreate, the bytes of kWrite that were written.
  void set_after(std::function<void(const IoEvent&, int64_t result)> after) { after_ = std::move(after); }

  int open_directory(const std::string& path) noexcept override {
    return call({IoCall::kOpen, -1, path, {}, {}}, [&] { return real_.open_directory(path); });
  }
  int open_file(int directory, const std::string& name) noexcept override {
    return call({IoCall::kOpen, directory, name, {}, {}}, [&] { return real_.open_file(directory, name); });
  }
  int open_path(const std::string& path) noexcept override {
    return call({IoCall::kOpen, -1, path, {}, {}}, [&] { return real_.open_path(path); });
  }
  int64_t read_link(int directory, const std::string& name, char* out, size_t capacity) noexcept override {
    return real_.read_link(directory, name, out, capacity);
  }
  int stat(int file, FileStat& out) noexcept override {
    return call({IoCall::kStat, file, {}, {}, {}}, [&] { return real_.stat(file, out); });
  }
  int64_t read_at(int file, void* out, size_t bytes, int64_t offset) noexcept override {
    return call({IoCall::kRead, file, {}, {}, {}}, [&] { return real_.read_at(file, out, bytes, offset); });
  }
  int map(int file, size_t bytes, const void*& out) noexcept override { return real_.map(file, bytes, out); }
  void unmap(const void* data, size_t bytes) noexcept override { real_.unmap(data, bytes); }
  void close(int file) noexcept override { real_.close(file); }
  int create_file(int directory, const std::string& name) noexcept override {
    return call({IoCall::kCreate, directory, name, {}, {}},
                [&] { return real_.create_file(directory, name); });
  }
  int create_private_file(int directory, const std::string& name) noexcept override {
    return call({IoCall::kCreate, directory, name, {}, {}},
                [&] { return real_.create_private_file(directory, name); });
  }
  int make_private_directory(const std::string& path) noexcept override {
    return call({IoCall::kMakeDirectory, -1, path, {}, {}},
                [&] { return real_.make_private_directory(path); });
  }
  int list(int directory, std::vector<std::string>& names) noexcept override {
    return call({IoCall::kList, directory, {}, {}, {}}, [&] { return real_.list(directory, names); });
  }
  int try_lock(int file) noexcept override {
    return call({IoCall::kLock, file, {}, {}, {}}, [&] { return real_.try_lock(file); });
  }
  int64_t write(int file, const void* data, size_t bytes) noexcept override {
    const std::string_view text(static_cast<const char*>(data), bytes);
    return call({IoCall::kWrite, file, {}, {}, text}, [&] { return real_.write(file, data, bytes); });
  }
  int sync(int file) noexcept override {
    return call({IoCall::kSync, file, {}, {}, {}}, [&] { return real_.sync(file); });
  }
  int rename(int directory, const std::string& from, const std::string& to) noexcept override {
    return call({IoCall::kRename, directory, from, to, {}},
                [&] { return real_.rename(directory, from, to); });
  }
  int remove(int directory, const std::string& name) noexcept override {
    return call({IoCall::kRemove, directory, name, {}, {}}, [&] { return real_.remove(directory, name); });
  }

 private:
  template <typename Real>
  auto call(const IoEvent& event, Real real) noexcept -> decltype(real()) {
    if (const int refused = hook_(event); refused != 0) return refused;
    const auto result = real();
    if (result >= 0 && after_) after_(event, result);
    return result;
  }

  IoEnv& real_ = system_io();
  Hook hook_;
  std::function<void(const IoEvent&, int64_t result)> after_;
};

}  // namespace fathom
