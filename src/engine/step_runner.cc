// SPDX-License-Identifier: MIT
#include "engine/step_runner.h"

#include "engine/model_memory.h"

namespace fathom {

Result<std::unique_ptr<StepRunner>> StepRunner::create(const Model& model, const StepSizes& sizes) {
  FATHOM_ASSIGN_OR_RETURN(auto pool, ThreadPool::create(sizes.threads));
  const ActivationSizes acts_sizes{.batch_tokens = buffer_rows(sizes.batch_tokens, sizes.logit_rows),
                                   .logit_rows = sizes.logit_rows,
                                   .workers = sizes.threads};
  FATHOM_ASSIGN_OR_RETURN(auto acts, Activations::create(model.config, acts_sizes));
  return std::unique_ptr<StepRunner>(new StepRunner(model, sizes, std::move(pool), std::move(acts)));
}

StepRunner::StepRunner(const Model& model, const StepSizes& sizes, std::unique_ptr<ThreadPool> pool,
                       Activations acts)
    : model_(model), sizes_(sizes), pool_(std::move(pool)), acts_(std::move(acts)) {
  for (int worker = 0; worker < sizes.threads; ++worker) scratch_.emplace_back(model.config.vocab_size);
  spans_.reserve(static_cast<size_t>(sizes.batch_tokens));
  draft_spans_.reserve(static_cast<size_t>(sizes.batch_tokens));
  draws_.reserve(static_cast<size_t>(sizes.batch_tokens));
}

void StepRunner::run(std::span<StepItem> items, DraftUse drafts) {
  feed(items);
  sample(items);
  for (const StepItem& item : items) {
    if (item.kind == StepKind::kDecode) undo_rejected(item);
  }
  if (drafts != DraftUse::kOff && model_.weights.mtp) draft(items, drafts);
}

void StepRunner::feed(std::span<StepItem> items) noexcept {
  spans_.clear();
  for (const StepItem& item : items) spans_.push_back({&item.owner->state, item.tokens, item.wanted});
  const StepOutput out = forward(model_, *pool_, {.rounding = sizes_.rounding}, spans_, acts_);
  int64_t row = 0;
  for (StepItem& item : items) {
    const auto tokens = static_cast<int64_t>(item.tokens.size());
    const int64_t rows = item.wanted == LogitsWanted::kNone   ? 0
                         : item.wanted == LogitsWanted::kLast ? 1
                                                              : tokens;
    item.logits = out.logits.slice_rows(row, rows);
    row += rows;
  }
}

void StepRunner::sample(std::span<StepItem> items) noexcept {
  draws_.clear();
  for (const StepItem& item : items) {
    const int64_t first = item.kind == StepKind::kDecode ? 0 : item.logits.rows - 1;
    for (Choice* choice : item.choices) {
      draws_.push_back({choice, item.logits.slice_rows(first, item.logits.rows - first)});
    }
  }
  for_draws([&](const Draw& draw, SamplerScratch& scratch) { draw.choice->sample(draw.rows, scratch); });
}

template <typename Work>
void StepRunner::for_draws(const Work& work) noexcept {
  // A draw reads its logits a few times and computes a few operations for each.
  const auto count = static_cast<int64_t>(draws_.size());
  const int64_t logits = count * model_.config.vocab_size;
  pool_->run(StageWork::of(logits * 16, logits * 64), [&](int worker) {
    const PartRange part = part_range(count, worker, pool_->size());
    for (int64_t i = part.begin; i < part.end; ++i) work(draws_[i], scratch_[worker]);
  });
}

// Takes back the drafts that the choice did not sample.
void StepRunner::undo_rejected(const StepItem& item) {
  SequenceState& state = item.owner->state;
  const auto kept = static_cast<int64_t>(item.owner->fresh().size());
  const auto fed = static_cast<int64_t>(item.tokens.size());
  if (kept == 0 || kept >= fed) return;
  const Status trimmed = state.trim(state.position() - (fed - kept));
  if (!trimmed.ok()) item.owner->finish(ChoiceEnd::kAborted);  // no memory for a page of its own
}

// Runs the draft layer over the tokens that were kept.
void StepRunner::draft(std::span<const StepItem> items, DraftUse use) noexcept {
  draft_spans_.clear();
  draws_.clear();
  int64_t row = 0;
  for (const StepItem& item : items) {
    add_draft_span(item, row, use);
    row += static_cast<int64_t>(item.tokens.size());
  }
  if (draft_spans_.empty()) return;
  const auto logits = draft_forward(model_, *pool_, {.rounding = sizes_.rounding}, draft_spans_, acts_);
  for (size_t i = 0; i < draws_.size(); ++i) draws_[i].rows = logits.slice_rows(static_cast<int64_t>(i), 1);
  for_draws([](const Draw& draw, SamplerScratch& scratch) {
    draw.choice->propose(draw.rows.row_span(0), scratch);
  });
}

// A sequence whose draft layer was off for a while begins anew with this step's tokens.
void StepRunner::add_draft_span(const StepItem& item, int64_t first_row, DraftUse use) {
  Choice& owner = *item.owner;
  const bool decodes = item.kind == StepKind::kDecode;
  if (owner.end() || !owner.may_draft() || (decodes && use != DraftUse::kPropose)) return;
  const auto kept =
      decodes ? static_cast<int64_t>(owner.fresh().size()) : static_cast<int64_t>(item.tokens.size());
  const int64_t first = owner.state.position() - kept;
  DraftSpan span{
      .state = &owner.state, .first_row = first_row, .tokens = kept, .lag = owner.draft_lag, .next = {}};
  if (owner.state.draft_tokens() != first) {
    span.lag = DraftLag::kNone;
    owner.draft_begin = first;
  }
  span.window_begin = owner.draft_begin;
  // Several choices of a prompt go on from its last token in different ways: their first row comes later.
  if (item.choices.size() == 1 && use == DraftUse::kPropose) {
    span.next = owner.next_tokens()[0];
    if (owner.wants_draft()) {
      span.logits = LogitsWanted::kLast;
      draws_.push_back({&owner, {}});
    }
  }
  owner.draft_lag = span.next ? DraftLag::kNone : DraftLag::kBehind;
  draft_spans_.push_back(span);
}

}  // namespace fathom
