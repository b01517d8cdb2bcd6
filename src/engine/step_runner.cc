// SPDX-License-Identifier: MIT
#include "engine/step_runner.h"

namespace fathom {

Result<std::unique_ptr<StepRunner>> StepRunner::create(const Model& model, const StepSizes& sizes) {
  FATHOM_ASSIGN_OR_RETURN(auto pool, ThreadPool::create(sizes.threads));
  FATHOM_ASSIGN_OR_RETURN(auto acts, Activations::create(model.config, {.batch_tokens = sizes.batch_tokens,
                                                                        .logit_rows = sizes.logit_rows,
                                                                        .workers = sizes.threads}));
  return std::unique_ptr<StepRunner>(new StepRunner(model, sizes, std::move(pool), std::move(acts)));
}

StepRunner::StepRunner(const Model& model, const StepSizes& sizes, std::unique_ptr<ThreadPool> pool,
                       Activations acts)
    : model_(model), sizes_(sizes), pool_(std::move(pool)), acts_(std::move(acts)) {
  for (int worker = 0; worker < sizes.threads; ++worker) scratch_.emplace_back(model.config.vocab_size);
  spans_.reserve(static_cast<size_t>(sizes.batch_tokens));
  draws_.reserve(static_cast<size_t>(sizes.batch_tokens));
}

void StepRunner::run(std::span<StepItem> items) {
  feed(items);
  sample(items);
  for (const StepItem& item : items) {
    if (item.kind == StepKind::kDecode) undo_rejected(item);
  }
}

void StepRunner::feed(std::span<StepItem> items) noexcept {
  spans_.clear();
  for (const StepItem& item : items) spans_.push_back({item.state, item.tokens, item.wanted});
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
  // A draw reads its logits a few times and computes a few operations for each.
  const auto count = static_cast<int64_t>(draws_.size());
  pool_->run(StageWork::of(count * model_.config.vocab_size * 16, count * model_.config.vocab_size * 64),
             [&](int worker) {
               const PartRange part = part_range(count, worker, pool_->size());
               for (int64_t i = part.begin; i < part.end; ++i)
                 draws_[i].choice->sample(draws_[i].rows, scratch_[worker]);
             });
}

// Takes back the drafts that the choice did not sample.
void StepRunner::undo_rejected(const StepItem& item) {
  const auto kept = static_cast<int64_t>(item.choices[0]->fresh().size());
  const auto fed = static_cast<int64_t>(item.tokens.size());
  if (kept == 0 || kept >= fed) return;
  const Status trimmed = item.state->trim(item.state->position() - (fed - kept));
  if (!trimmed.ok()) item.choices[0]->finish(ChoiceEnd::kAborted);  // no memory for a page of its own
}

}  // namespace fathom
