// SPDX-License-Identifier: MIT
// StepRunner: one step of the model for any number of sequences, and the tokens that it gives (design.md 4,
// 11).
//
// Owns the pool, the activations and the workers' sampling memory; after create() a step allocates nothing
// but what logprobs ask for. What a sequence gets does not depend on the others in the step. Engine thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "engine/choice.h"
#include "model/transformer.h"

namespace fathom {

enum class StepKind : uint8_t {
  kPrefill,  // part of a prompt; its choices, if it ends here, sample from the last row
  kDecode,   // next_tokens() of one choice, which samples from all rows
};

// What the draft layer does in a step.
enum class DraftUse : uint8_t {
  kOff,
  kFollow,   // computes its rows of the prompt, so that it can propose later
  kPropose,  // and proposes a token for every choice that goes on
};

// One sequence's part of a step.
struct StepItem {
  StepKind kind = StepKind::kPrefill;
  Choice* owner = nullptr;          // its state is fed
  std::span<const int32_t> tokens;  // to feed
  LogitsWanted wanted = LogitsWanted::kNone;
  std::span<Choice* const> choices;  // who samples; none while the prompt goes on
  MatView<const float> logits = {};  // set by run: the rows wanted; valid until the next step
};

struct StepSizes {
  int threads = 1;
  Rounding rounding = Rounding::kAsDeployed;
  int64_t batch_tokens = 1;
  int64_t logit_rows = 1;
};

class StepRunner {
 public:
  // `model` must outlive the runner. kInvalidArgument, kResourceExhausted.
  static Result<std::unique_ptr<StepRunner>> create(const Model& model, const StepSizes& sizes);

  // Feeds all items, lets their choices sample, then the draft layer propose what the next step checks.
  // Requires room reserved in the states, at most batch_tokens tokens and logit_rows wanted rows.
  void run(std::span<StepItem> items, DraftUse drafts = DraftUse::kOff);

  const StepSizes& sizes() const noexcept { return sizes_; }
  ThreadPool& pool() noexcept { return *pool_; }

 private:
  StepRunner(const Model& model, const StepSizes& sizes, std::unique_ptr<ThreadPool> pool, Activations acts);

  void feed(std::span<StepItem> items) noexcept;
  void sample(std::span<StepItem> items) noexcept;
  void undo_rejected(const StepItem& item);
  void draft(std::span<const StepItem> items, DraftUse use) noexcept;
  void add_draft_span(const StepItem& item, int64_t first_row, DraftUse use);
  template <typename Work>
  void for_draws(const Work& work) noexcept;

  // A choice and the rows that it samples from.
  struct Draw {
    Choice* choice;
    MatView<const float> rows;
  };

  const Model& model_;
  const StepSizes sizes_;
  std::unique_ptr<ThreadPool> pool_;
  Activations acts_;
  std::vector<SamplerScratch> scratch_;  // one per worker
  std::vector<SequenceSpan> spans_;
  std::vector<DraftSpan> draft_spans_;
  std::vector<Draw> draws_;
};

}  // namespace fathom
