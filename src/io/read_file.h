// SPDX-License-Identifier: MIT
// read_file: a small file (config, index, tokenizer) as a string, never more than a stated cap
// (reliability.md 3). Pure functions over an IoEnv; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "io/directory.h"

namespace fathom {

// The whole of `file`. kInvalidArgument when it is larger than `max_bytes`, kCorrupt when it ends before its
// size, kIo when a read fails; messages begin with `name`.
Result<std::string> read_file(const File& file, std::string_view name, int64_t max_bytes);

// The same for a file by name.
Result<std::string> read_file(const Directory& directory, std::string_view name, int64_t max_bytes);

}  // namespace fathom
