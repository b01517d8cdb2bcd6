// SPDX-License-Identifier: MIT
// Writes safetensors: tensors in the given order, header padded with spaces to 64 bytes (reliability.md F-1
// reads it back). Pure functions; any thread.
#pragma once

#include <span>
#include <string>

#include "weights/safetensors.h"

namespace fathom {

// The file up to the first tensor byte: length prefix and header. The caller then writes each tensor's bytes
// in turn. Requires shapes that match the bytes and names without repeats.
std::string safetensors_prefix(std::span<const StoredTensor> tensors);

// The whole file in memory.
std::string safetensors_bytes(std::span<const StoredTensor> tensors);

}  // namespace fathom
