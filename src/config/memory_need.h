// SPDX-License-Identifier: MIT
// Whether a model and its sequences fit a machine, to the byte, before anything is loaded (design.md 9).
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "config/model_config.h"
#include "io/json.h"

namespace fathom {

struct MemoryRequest {
  int64_t context = 0;       // tokens of each sequence
  int64_t sequences = 1;     // at once
  int64_t memory_bytes = 0;  // of the machine, or what the user allows
};

struct MemoryNeed {
  MemoryRequest request;
  int64_t weights_bytes = 0;
  int64_t state_bytes_per_sequence = 0;
  int64_t state_bytes = 0;
  int64_t needed_bytes = 0;
  int64_t usable_bytes = 0;   // 92 % of the memory; the rest is for code, buffers and the system
  int64_t missing_bytes = 0;  // 0 when it fits

  bool fits() const noexcept { return missing_bytes == 0; }
};

// kInvalidArgument for a context outside [1, max_position_embeddings], no sequence, or no memory; kOutOfRange
// when the sum passes 2^63.
Result<MemoryNeed> plan_memory(const ModelConfig& config, int64_t weights_bytes,
                               const MemoryRequest& request);

JsonValue memory_need_json(const MemoryNeed& need);
std::string memory_need_text(const MemoryNeed& need);

}  // namespace fathom
