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

// What the parts of a running model take; the state in its own formats, whatever design.md 5 calls deployed.
struct MemoryParts {
  int64_t weights_bytes = 0;
  int64_t activation_bytes = 0;  // intermediates of the largest step
  int64_t state_bytes_per_sequence = 0;
};

struct MemoryRequest {
  int64_t context = 0;       // tokens of each sequence
  int64_t sequences = 1;     // at once
  int64_t memory_bytes = 0;  // of the machine, or what the user allows
};

struct MemoryNeed {
  MemoryRequest request;
  MemoryParts parts;
  int64_t published_state_bytes = 0;  // of one sequence as the released engine stores it (design.md 5)
  int64_t state_bytes = 0;
  int64_t needed_bytes = 0;
  int64_t usable_bytes = 0;   // 92 % of the memory; the rest is for code, buffers and the system
  int64_t missing_bytes = 0;  // 0 when it fits

  bool fits() const noexcept { return missing_bytes == 0; }
};

// kInvalidArgument for a context outside [1, max_position_embeddings], no sequence, or no memory.
Status check_memory_request(const ModelConfig& config, const MemoryRequest& request);

// Requires a request that was checked. kOutOfRange when the sum passes 2^63.
Result<MemoryNeed> plan_memory(const ModelConfig& config, const MemoryParts& parts,
                               const MemoryRequest& request);

JsonValue memory_need_json(const MemoryNeed& need);
std::string memory_need_text(const MemoryNeed& need);

}  // namespace fathom
