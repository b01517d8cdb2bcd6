// SPDX-License-Identifier: MIT
// FailingIo: an IoEnv that makes its Nth call fail (reliability.md 2), counts calls and notes the names asked
// for. Single-threaded tests only.
#pragma once

#include <cerrno>
#include <string>
#include <vector>

#include "io/io_env.h"

namespace fathom {

class FailingIo final : public IoEnv {
 public:
  // Call number `fail_at` (from 1; 0: none) returns -error_number. EINTR and short reads are how-to-fail
  // choices too.
  explicit FailingIo(int fail_at = 0, int error_number = EIO) noexcept
      : fail_at_(fail_at), error_(error_number) {}

  int calls() const noexcept { return calls_; }
  int open_descriptors() const noexcept { return open_; }
  int live_mappings() const noexcept { return mappings_; }
  const std::vector<std::string>& opened() const noexcept { return opened_; }
  // Reads return at most this many bytes; 0 ends every file.
  void set_read_limit(size_t bytes) noexcept { read_limit_ = bytes; }
  // Writes take at most this many bytes.
  void set_write_limit(size_t bytes) noexcept { write_limit_ = bytes; }

  int open_directory(const std::string& path) noexcept override {
    return fails() ? -error_ : counted(real_.open_directory(path));
  }
  int open_file(int directory, const std::string& name) noexcept override {
    opened_.push_back(name);
    return fails() ? -error_ : counted(real_.open_file(directory, name));
  }
  int open_path(const std::string& path) noexcept override {
    opened_.push_back(path);
    return fails() ? -error_ : counted(real_.open_path(path));
  }
  int64_t read_link(int directory, const std::string& name, char* out, size_t capacity) noexcept override {
    return fails() ? -error_ : real_.read_link(directory, name, out, capacity);
  }
  int stat(int file, FileStat& out) noexcept override { return fails() ? -error_ : real_.stat(file, out); }
  int64_t read_at(int file, void* out, size_t bytes, int64_t offset) noexcept override {
    return fails() ? -error_ : real_.read_at(file, out, bytes < read_limit_ ? bytes : read_limit_, offset);
  }
  int map(int file, size_t bytes, const void*& out) noexcept override {
    if (fails()) return -error_;
    const int result = real_.map(file, bytes, out);
    if (result == 0) ++mappings_;
    return result;
  }
  void unmap(const void* data, size_t bytes) noexcept override {
    --mappings_;
    real_.unmap(data, bytes);
  }
  void close(int file) noexcept override {
    --open_;
    real_.close(file);
  }
  int create_file(int directory, const std::string& name) noexcept override {
    return fails() ? -error_ : counted(real_.create_file(directory, name));
  }
  int create_private_file(int directory, const std::string& name) noexcept override {
    return fails() ? -error_ : counted(real_.create_private_file(directory, name));
  }
  int make_private_directory(const std::string& path) noexcept override {
    return fails() ? -error_ : real_.make_private_directory(path);
  }
  int list(int directory, std::vector<std::string>& names) noexcept override {
    return fails() ? -error_ : real_.list(directory, names);
  }
  int try_lock(int file) noexcept override { return fails() ? -error_ : real_.try_lock(file); }
  int64_t write(int file, const void* data, size_t bytes) noexcept override {
    return fails() ? -error_ : real_.write(file, data, bytes < write_limit_ ? bytes : write_limit_);
  }
  int sync(int file) noexcept override { return fails() ? -error_ : real_.sync(file); }
  int rename(int directory, const std::string& from, const std::string& to) noexcept override {
    return fails() ? -error_ : real_.rename(directory, from, to);
  }
  int remove(int directory, const std::string& name) noexcept override {
    return fails() ? -error_ : real_.remove(directory, name);
  }

 private:
  bool fails() noexcept { return ++calls_ == fail_at_; }
  int counted(int descriptor) noexcept {
    if (descriptor >= 0) ++open_;
    return descriptor;
  }

  IoEnv& real_ = system_io();
  int fail_at_;
  int error_;
  int calls_ = 0;
  int open_ = 0;
  int mappings_ = 0;
  size_t read_limit_ = SIZE_MAX;
  size_t write_limit_ = SIZE_MAX;
  std::vector<std::string> opened_;
};

}  // namespace fathom
