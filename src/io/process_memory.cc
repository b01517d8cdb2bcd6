// SPDX-License-Identifier: MIT
#include "io/process_memory.h"

#include <unistd.h>

#include <charconv>

#include "io/directory.h"

namespace fathom {

int64_t anonymous_resident_bytes(IoEnv& env) {
  // "size resident shared ..." in pages; shared pages are those of files.
  const Result<File> file = open_path(env, "/proc/self/statm");
  if (!file.ok()) return 0;
  char text[128];
  const int64_t got = env.read_at(file->descriptor(), text, sizeof text, 0);
  if (got <= 0) return 0;
  int64_t fields[3] = {};
  const char* at = text;
  for (int64_t& field : fields) {
    const auto [end, error] = std::from_chars(at, text + got, field);
    if (error != std::errc()) return 0;
    at = end < text + got ? end + 1 : end;
  }
  return (fields[1] - fields[2]) * ::sysconf(_SC_PAGESIZE);
}

}  // namespace fathom
