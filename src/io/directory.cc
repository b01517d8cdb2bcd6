// SPDX-License-Identifier: MIT
#include "io/directory.h"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/concat.h"
#include "io/descriptor.h"

namespace fathom {
namespace {

// Long chains of links are a loop or a prank.
constexpr int kMaxLinks = 8;

// A name from a file, short and without control characters, for messages.
std::string shown(std::string_view name) {
  std::string out(name.substr(0, 200));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

}  // namespace

Status system_error(int error_number, std::string_view what) {
  StatusCode code = StatusCode::kIo;
  if (error_number == ENOENT || error_number == ENOTDIR) code = StatusCode::kNotFound;
  if (error_number == ENOMEM || error_number == EMFILE || error_number == ENFILE)
    code = StatusCode::kResourceExhausted;
  return Status(code, concat(what, ": ", std::generic_category().message(error_number)));
}

Status make_directory(IoEnv& env, const std::string& path) {
  const int error = env.make_private_directory(path);
  return error == 0 || error == -EEXIST ? Status() : system_error(-error, path);
}

bool is_plain_file_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 255 || name == "." || name == "..") return false;
  return name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

Result<File> File::adopt(IoEnv& env, int descriptor, std::string_view name) {
  File file(env, descriptor);
  FileStat info;
  const int error = retry([&] { return env.stat(descriptor, info); });
  if (error < 0) return system_error(-error, name);
  if (!info.regular) {
    return Status(StatusCode::kInvalidArgument,
                  concat(name, ": expected a regular file, found a directory, fifo or device"));
  }
  file.bytes_ = info.bytes;
  return file;
}

File::File(File&& other) noexcept
    : env_(other.env_), descriptor_(std::exchange(other.descriptor_, -1)), bytes_(other.bytes_) {}

File& File::operator=(File&& other) noexcept {
  std::swap(env_, other.env_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) env_->close(descriptor_);
}

Result<Directory> Directory::open(IoEnv& env, const std::string& path) {
  const int descriptor = retry([&] { return env.open_directory(path); });
  if (descriptor < 0) return system_error(-descriptor, path);
  return Directory(env, descriptor);
}

Directory::Directory(Directory&& other) noexcept
    : env_(other.env_), descriptor_(std::exchange(other.descriptor_, -1)) {}

Directory& Directory::operator=(Directory&& other) noexcept {
  std::swap(env_, other.env_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Directory::~Directory() {
  if (descriptor_ >= 0) env_->close(descriptor_);
}

Result<File> Directory::open_file(std::string_view name) const {
  std::string current(name);
  for (int links = 0; links <= kMaxLinks; ++links) {
    if (!is_plain_file_name(current)) {
      return Status(StatusCode::kInvalidArgument,
                    concat(shown(name), ": expected a file directly in the directory, found ",
                           links == 0 ? "a path" : "a link to ", links == 0 ? "" : shown(current)));
    }
    const int descriptor = retry([&] { return env_->open_file(descriptor_, current); });
    if (descriptor >= 0) return File::adopt(*env_, descriptor, shown(name));
    if (descriptor != -ELOOP) return system_error(-descriptor, shown(name));
    std::array<char, 4096> target{};
    const int64_t size =
        retry([&] { return env_->read_link(descriptor_, current, target.data(), target.size()); });
    if (size < 0) return system_error(static_cast<int>(-size), shown(name));
    current.assign(target.data(), static_cast<size_t>(size));
  }
  return Status(StatusCode::kInvalidArgument,
                concat(shown(name), ": expected a file, found a long chain of links"));
}

Result<File> open_path(IoEnv& env, const std::string& path) {
  const int descriptor = retry([&] { return env.open_path(path); });
  if (descriptor < 0) return system_error(-descriptor, path);
  return File::adopt(env, descriptor, path);
}

}  // namespace fathom
