// SPDX-License-Identifier: MIT
// ChunkBudget: how many prompt tokens a step may take so that those who decode do not wait longer than
// step_ms for their next token (design.md 11).
//
// It follows measured times; results do not depend on chunking, so nothing else does. Engine thread only.
#pragma once

#include <cstdint>

namespace fathom {

class ChunkBudget {
 public:
  ChunkBudget(int64_t batch_tokens, double step_seconds) noexcept
      : batch_tokens_(batch_tokens), step_seconds_(step_seconds) {}

  // Prompt tokens for a step with so many rows of decoding sequences; at least 1 while the batch has room.
  int64_t prefill_rows(int64_t decode_rows) const noexcept;
  // What a step took.
  void measured(int64_t decode_rows, int64_t prefill_rows, double seconds) noexcept;

 private:
  int64_t batch_tokens_;
  double step_seconds_;
  double decode_seconds_ = 0.0;  // of a step without prefill; 0: none seen yet
  double row_seconds_ = 0.0;     // of one more prompt token; 0: none seen yet
  int64_t last_rows_ = 0;        // prompt tokens of the last step that had both
};

}  // namespace fathom
