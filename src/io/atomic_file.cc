// SPDX-License-Identifier: MIT
#include "io/atomic_file.h"

#include "io/append_file.h"

namespace fathom {

Status write_file_atomically(IoEnv& env, const std::string& path, std::string_view bytes) {
  return AppendFile::create(env, path, bytes).status();
}

}  // namespace fathom
