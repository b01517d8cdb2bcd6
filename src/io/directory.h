// SPDX-License-Identifier: MIT
// Directory: opens files of one directory and nothing else (reliability.md F-2).
//
// Invariant: only plain file names reach the system, and a link is followed only to another plain name in the
// same directory, so no path of a hostile checkpoint leaves it. Owns its descriptor; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "io/io_env.h"

namespace fathom {

// An open regular file and its size. Owns the descriptor.
class File {
 public:
  // Takes over an open descriptor; kInvalidArgument when it is no regular file.
  static Result<File> adopt(IoEnv& env, int descriptor, std::string_view name);
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  int64_t bytes() const noexcept { return bytes_; }
  int descriptor() const noexcept { return descriptor_; }
  IoEnv& env() const noexcept { return *env_; }

 private:
  File(IoEnv& env, int descriptor) noexcept : env_(&env), descriptor_(descriptor) {}
  IoEnv* env_;
  int descriptor_;
  int64_t bytes_ = 0;
};

class Directory {
 public:
  // kNotFound when there is no such directory, kIo when the system refuses.
  static Result<Directory> open(IoEnv& env, const std::string& path);
  Directory(Directory&& other) noexcept;
  Directory& operator=(Directory&& other) noexcept;
  ~Directory();

  // A regular file of this directory. kNotFound: no such file; kInvalidArgument: not a plain name, not a
  // regular file, or a link out of the directory; kIo otherwise. Messages begin with the name.
  Result<File> open_file(std::string_view name) const;

 private:
  Directory(IoEnv& env, int descriptor) noexcept : env_(&env), descriptor_(descriptor) {}
  IoEnv* env_;
  int descriptor_;
};

// Whether `name` names a file directly in a directory: not empty, no '/', no NUL, neither "." nor "..", at
// most 255 bytes.
bool is_plain_file_name(std::string_view name) noexcept;

// A regular file by a path of the user's own, who may point anywhere; links are followed.
Result<File> open_path(IoEnv& env, const std::string& path);

// A directory for its owner alone; one that is there already will do. kIo when the system refuses.
Status make_directory(IoEnv& env, const std::string& path);

// "what: reason" for an errno value; ENOENT and ENOTDIR are kNotFound, ENOMEM and EMFILE kResourceExhausted,
// others kIo.
Status system_error(int error_number, std::string_view what);

}  // namespace fathom
