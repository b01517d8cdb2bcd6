// SPDX-License-Identifier: MIT
#include "io/append_file.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "base/concat.h"
#include "io/descriptor.h"
#include "io/directory.h"

namespace fathom {
namespace {

// Unique among the files of this process; two processes meet in O_EXCL.
std::string temporary_name() {
  static std::atomic<uint64_t> counter = 0;
  return concat(".fathom-", ::getpid(), "-", counter.fetch_add(1), ".tmp");
}

// A device or a link must not be replaced by a file.
Status check_target(IoEnv& env, int directory, const std::string& name, const std::string& path) {
  const int descriptor = retry([&] { return env.open_file(directory, name); });
  if (descriptor == -ENOENT) return Status();
  if (descriptor == -ELOOP) {
    return Status(StatusCode::kInvalidArgument, concat(path, ": expected a regular file, found a link"));
  }
  if (descriptor < 0) return system_error(-descriptor, path);
  return File::adopt(env, descriptor, path).status();
}

Status write_all(IoEnv& env, int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const int64_t written = retry([&] { return env.write(file, bytes.data(), bytes.size()); });
    if (written < 0) return system_error(static_cast<int>(-written), path);
    if (written == 0) return system_error(EIO, path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return Status();
}

// A failed fsync may have lost the bytes for good: never retried but for signals, the file is thrown away.
Status sync(IoEnv& env, int file, const std::string& path) {
  const int result = retry([&] { return env.sync(file); });
  return result < 0 ? system_error(-result, path) : Status();
}

// `file`: what create_file gave.
Status write_temporary(IoEnv& env, int file, std::string_view bytes, const std::string& path) {
  if (file < 0) return system_error(-file, path);
  FATHOM_RETURN_IF_ERROR(write_all(env, file, bytes, path));
  return sync(env, file, path);
}

}  // namespace

Result<AppendFile> AppendFile::create(IoEnv& env, const std::string& path, std::string_view first) {
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (!is_plain_file_name(name)) {
    return Status(StatusCode::kInvalidArgument, concat(path, ": expected the path of a file"));
  }
  const Descriptor directory(env, retry([&] { return env.open_directory(parent); }));
  if (directory.get() < 0) return system_error(-directory.get(), path);
  FATHOM_RETURN_IF_ERROR(check_target(env, directory.get(), name, path));

  const std::string temporary = temporary_name();
  AppendFile file(env, retry([&] { return env.create_file(directory.get(), temporary); }), path);
  Status status = write_temporary(env, file.descriptor_, first, path);
  if (status.ok()) {
    const int renamed = retry([&] { return env.rename(directory.get(), temporary, name); });
    if (renamed < 0) status = system_error(-renamed, path);
  }
  if (!status.ok()) {
    env.remove(directory.get(), temporary);
    return status;
  }
  FATHOM_RETURN_IF_ERROR(sync(env, directory.get(), path));
  return file;
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : env_(other.env_), descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(env_, other.env_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) env_->close(descriptor_);
}

Status AppendFile::append(std::string_view bytes) { return write_all(*env_, descriptor_, bytes, path_); }

}  // namespace fathom
