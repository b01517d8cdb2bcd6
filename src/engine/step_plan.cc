// SPDX-License-Identifier: MIT
#include "engine/step_plan.h"

#include <algorithm>

namespace fathom {
namespace {

void add(StepPlan& plan, LiveRequest& owner, const StepItem& item) {
  plan.items.push_back(item);
  plan.owners.push_back(&owner);
}

void add_decoding(LiveRequest& request, StepPlan& plan) {
  for (Choice*& choice : request.drawing) {
    if (choice->end()) continue;
    const auto tokens = choice->next_tokens();
    add(plan, request, {StepKind::kDecode, choice, tokens, LogitsWanted::kAll, {&choice, 1}});
    ++plan.decode_choices;
    plan.decode_rows += static_cast<int64_t>(tokens.size());
  }
}

// Prompt tokens up to the next pause.
int64_t next_stretch(const LiveRequest& request) {
  const int64_t position = request.choices[0]->state.position();
  for (const int64_t stop : request.stops) {
    if (stop > position) return stop - position;
  }
  return request.prompt_tokens() - position;
}

// The next `rows` tokens of a prompt.
StepItem prompt_item(LiveRequest& request, int64_t rows) {
  Choice& first = *request.choices[0];
  const SequenceState& state = first.state;
  StepItem item{.kind = StepKind::kPrefill,
                .owner = &first,
                .tokens = std::span<const int32_t>(request.request.prompt)
                              .subspan(static_cast<size_t>(state.position()), static_cast<size_t>(rows)),
                .choices = {}};
  const bool ends = state.position() + rows == request.prompt_tokens();
  if (ends && request.limit > 0) {
    item.choices = request.drawing;
    item.wanted = LogitsWanted::kLast;
  }
  if (request.request.prompt_top_logprobs) item.wanted = LogitsWanted::kAll;
  return item;
}

}  // namespace

void StepPlan::clear() noexcept {
  items.clear();
  owners.clear();
  decode_choices = 0;
  decode_rows = 0;
  prefill_rows = 0;
}

void StepPlan::drop_finished() noexcept {
  size_t kept = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (owners[i]->phase == RequestPhase::kFinished) continue;
    items[kept] = items[i];
    owners[kept++] = owners[i];
  }
  items.resize(kept);
  owners.resize(kept);
}

void plan_step(std::span<const std::unique_ptr<LiveRequest>> running, const ChunkBudget& budget,
               int64_t logit_rows, StepPlan& plan) {
  plan.clear();
  std::vector<LiveRequest*> prompts;
  for (const auto& request : running) {
    if (request->phase == RequestPhase::kDecode) add_decoding(*request, plan);
    if (request->phase == RequestPhase::kPrefill) prompts.push_back(request.get());
  }
  std::stable_sort(prompts.begin(), prompts.end(), [](const LiveRequest* a, const LiveRequest* b) {
    return next_stretch(*a) < next_stretch(*b);
  });
  int64_t rows_left = budget.prefill_rows(plan.decode_rows);
  int64_t logits_left = logit_rows - plan.decode_rows;
  auto sharers = static_cast<int64_t>(prompts.size());
  for (LiveRequest* request : prompts) {
    // Shortest first; what one leaves over is for the others.
    int64_t rows = std::min(next_stretch(*request), (rows_left + sharers - 1) / sharers);
    --sharers;
    if (request->request.prompt_top_logprobs) rows = std::min(rows, logits_left);
    if (rows <= 0 || logits_left <= 0) continue;
    const StepItem item = prompt_item(*request, rows);
    add(plan, *request, item);
    logits_left -= item.wanted == LogitsWanted::kAll ? rows : item.wanted == LogitsWanted::kLast ? 1 : 0;
    rows_left -= rows;
    plan.prefill_rows += rows;
  }
}

}  // namespace fathom
