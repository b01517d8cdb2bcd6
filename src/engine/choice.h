// SPDX-License-Identifier: MIT
// Choice: one answer while it grows: its sequence state, its sampler, and the tokens that a step gave it
// (design.md 11).
//
// Invariant: the state holds the prompt and all sampled tokens but the last, which is what the next step
// feeds. Everything it does depends on its request and its number only. Engine thread; sample() on one worker
// of the pool.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/view.h"
#include "engine/engine_stats.h"
#include "engine/event_sink.h"
#include "engine/request.h"
#include "engine/sampler.h"
#include "model/activations.h"
#include "state/sequence_state.h"
#include "text/constraint.h"

namespace fathom {

// A token not yet handed to the sink.
struct SampledToken {
  int32_t id = 0;
  float logprob = 0.0F;
  bool reasoning = false;  // part of the reasoning, its end included
  std::vector<TokenLogprob> top;

  GeneratedToken view() const noexcept { return {id, logprob, top}; }
};

class Choice {
 public:
  // `request` must outlive the choice; `limit`: tokens it may get.
  Choice(const Request& request, int number, int64_t limit, int64_t vocab_size);

  int number() const noexcept { return number_; }

  // Of the tokens fed; made and reserved by the owner.
  SequenceState state;

  // The last sampled token and the drafts that follow it: what the next decode step feeds.
  std::span<const int32_t> next_tokens() const noexcept { return {feed_.data(), feed_count_}; }

  // Takes the tokens that the rows decide: row i follows next_tokens()[i], or the prompt. Goes on from row to
  // row as long as the draft was what it sampled. Afterwards fresh() has at least one token unless it ended
  // by a fault, and the state's tokens behind those are to be trimmed.
  void sample(MatView<const float> rows, SamplerScratch& scratch) noexcept;
  std::span<const SampledToken> fresh() const noexcept { return {fresh_.data(), fresh_count_}; }

  // Draws the token that the draft layer expects behind next_tokens() and adds it there, with the noise that
  // the true one will be drawn with. Requires wants_draft().
  void propose(std::span<const float> draft_logits, SamplerScratch& scratch) noexcept;
  bool may_draft() const noexcept { return request_->drafts == Drafts::kAllowed; }
  // Whether a draft could still become part of the answer.
  bool wants_draft() const noexcept { return !end_ && feed_count_ == 1 && limit_ - sampled_ >= 2; }
  int64_t drafted() const noexcept { return drafted_; }
  int64_t accepted() const noexcept { return accepted_; }

  // The draft layer's rows: from where on they exist, and whether that of the state's last token does.
  int64_t draft_begin = 0;
  DraftLag draft_lag = DraftLag::kBehind;

  // Set once the answer is complete.
  std::optional<ChoiceEnd> end() const noexcept { return end_; }
  void finish(ChoiceEnd end) noexcept { end_ = end; }

  // Counts the time since the last delivery; tokens of one step arrive together.
  void count_gaps(std::chrono::steady_clock::time_point now, size_t tokens, DurationHistogram& gaps) noexcept;

 private:
  bool take(std::span<const float> logits, SamplerScratch& scratch);
  int32_t choose(std::span<const float> logits, SamplerScratch& scratch);
  std::span<const uint32_t> mask();
  bool must_end_reasoning() const noexcept;

  static constexpr size_t kMaxFeed = 2;  // a token and one draft

  const Request* request_;
  int number_;
  int64_t limit_;
  Sampler sampler_;
  std::optional<TokenConstraint> constraint_;
  std::vector<uint32_t> mask_;  // of the next token, where there is a constraint
  bool mask_known_ = false;
  bool reasoning_;
  int64_t sampled_ = 0;  // tokens so far
  int64_t drafted_ = 0;
  int64_t accepted_ = 0;
  std::array<int32_t, kMaxFeed> feed_{};
  size_t feed_count_ = 0;
  std::array<SampledToken, kMaxFeed> fresh_;
  size_t fresh_count_ = 0;
  std::optional<ChoiceEnd> end_;
  std::optional<std::chrono::steady_clock::time_point> last_delivery_;
};

}  // namespace fathom
