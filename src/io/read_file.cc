// SPDX-License-Identifier: MIT
#include "io/read_file.h"

#include <cerrno>

#include "base/concat.h"

namespace fathom {

Result<std::string> read_file(const File& file, std::string_view name, int64_t max_bytes) {
  if (file.bytes() > max_bytes) {
    return Status(StatusCode::kInvalidArgument,
                  concat(name, ": expected at most ", max_bytes, " bytes, found ", file.bytes()));
  }
  std::string text(static_cast<size_t>(file.bytes()), '\0');
  size_t filled = 0;
  while (filled < text.size()) {
    const int64_t got = file.env().read_at(file.descriptor(), text.data() + filled, text.size() - filled,
                                           static_cast<int64_t>(filled));
    if (got == -EINTR) continue;
    if (got < 0) return system_error(static_cast<int>(-got), name);
    if (got == 0) {
      return Status(StatusCode::kCorrupt, concat(name, ": expected ", text.size(), " bytes, found ", filled));
    }
    filled += static_cast<size_t>(got);
  }
  return text;
}

Result<std::string> read_file(const Directory& directory, std::string_view name, int64_t max_bytes) {
  FATHOM_ASSIGN_OR_RETURN(const File file, directory.open_file(name));
  return read_file(file, name, max_bytes);
}

}  // namespace fathom
