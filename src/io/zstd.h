// SPDX-License-Identifier: MIT
// Decompression of zstd streams (RFC 8878). Pure function; any thread. Adapter to libzstd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"

namespace fathom {

// All frames of `compressed`, one after the other. kCorrupt for what is no zstd or ends inside a frame,
// kResourceExhausted for more than `max_bytes` of output: the frame's own claim of its size is not believed.
Result<std::string> decompress_zstd(std::span<const std::byte> compressed, int64_t max_bytes);

}  // namespace fathom
