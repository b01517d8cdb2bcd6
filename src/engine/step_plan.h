// SPDX-License-Identifier: MIT
// StepPlan: which tokens of which requests the next step takes (design.md 11).
//
// All decoding choices first, then parts of prompts: those who are in prefill share the rows that are left
// evenly, so a short prompt does not wait for a long one. Engine thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/chunk_budget.h"
#include "engine/live_request.h"
#include "engine/step_runner.h"

namespace fathom {

struct StepPlan {
  std::vector<StepItem> items;
  std::vector<LiveRequest*> owners;  // of the items
  int64_t decode_choices = 0;
  int64_t decode_rows = 0;
  int64_t prefill_rows = 0;

  void clear() noexcept;
  // Takes out the items of requests that have ended since.
  void drop_finished() noexcept;
};

// Fills `plan`; its vectors must have room for one item a choice. Rows of logits stay within logit_rows,
// decoding first, so prompts whose logprobs are wanted take what is left.
void plan_step(std::span<const std::unique_ptr<LiveRequest>> running, const ChunkBudget& budget,
               int64_t logit_rows, StepPlan& plan);

}  // namespace fathom
