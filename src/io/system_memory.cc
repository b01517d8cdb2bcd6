// SPDX-License-Identifier: MIT
#include "io/system_memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "io/directory.h"

namespace fathom {
namespace {

// A number in a file of the kernel; nothing when there is no such file or it says "max".
std::optional<int64_t> limit_in(IoEnv& env, const std::string& path) {
  const Result<File> file = open_path(env, path);
  if (!file.ok()) return std::nullopt;
  // These files say that they have 0 or 4,096 bytes, so their size means nothing.
  char text[32];
  const int64_t got = env.read_at(file->descriptor(), text, sizeof text, 0);
  int64_t limit = 0;
  if (got <= 0 || std::from_chars(text, text + got, limit).ec != std::errc() || limit <= 0)
    return std::nullopt;
  return limit;
}

}  // namespace

int64_t system_memory_bytes(IoEnv& env) {
  const int64_t pages = ::sysconf(_SC_PHYS_PAGES);
  const int64_t page_bytes = ::sysconf(_SC_PAGESIZE);
  int64_t bytes = pages > 0 && page_bytes > 0 ? pages * page_bytes : INT64_MAX;
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    if (const auto limit = limit_in(env, path)) bytes = std::min(bytes, *limit);
  }
  return bytes;
}

}  // namespace fathom
