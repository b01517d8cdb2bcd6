// SPDX-License-Identifier: MIT
// AppendFile: a log that grows by whole appends, begun anew with what is to be kept of an older one
// (design.md 19). Owner: one thread.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "io/io_env.h"

namespace fathom {

class AppendFile {
 public:
  // Makes or replaces the file `path` in an existing directory: it appears with all of `first` or not at
  // all, and is open for more. Errors as write_file_atomically.
  static Result<AppendFile> create(IoEnv& env, const std::string& path, std::string_view first);

  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  // kIo when the system refuses; part of the bytes may be there then.
  Status append(std::string_view bytes);
  const std::string& path() const noexcept { return path_; }

 private:
  AppendFile(IoEnv& env, int descriptor, std::string path)
      : env_(&env), descriptor_(descriptor), path_(std::move(path)) {}

  IoEnv* env_;
  int descriptor_;
  std::string path_;
};

}  // namespace fathom
