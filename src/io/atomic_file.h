// SPDX-License-Identifier: MIT
// write_file_atomically: a file is there with its old bytes or with its new ones, whatever fails
// (design.md 19): temporary file beside it, write, fsync, rename, fsync of the directory. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "io/io_env.h"

namespace fathom {

// Creates or replaces the regular file `path`, whose directory must exist. kInvalidArgument when something
// else than a regular file stands there, kNotFound without the directory, kIo when the system refuses; the
// old file is untouched then, unless only the last step failed: the new bytes may not outlive a power loss.
Status write_file_atomically(IoEnv& env, const std::string& path, std::string_view bytes);

}  // namespace fathom
