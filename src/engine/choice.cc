// SPDX-License-Identifier: MIT
#include "engine/choice.h"

#include <algorithm>
#include <new>

#include "engine/logprobs.h"

namespace fathom {

Choice::Choice(const Request& request, int number, int64_t limit, int64_t vocab_size)
    : request_(&request),
      number_(number),
      limit_(limit),
      sampler_(request.sampling, vocab_size, number),
      reasoning_(request.reasoning.has_value()) {
  sampler_.add_prompt(request.prompt);
  if (request.constraint) {
    constraint_.emplace(request.constraint->start());
    mask_.resize((static_cast<size_t>(vocab_size) + 31) / 32);
  }
  for (SampledToken& token : fresh_)
    token.top.reserve(static_cast<size_t>(request.top_logprobs.value_or(0)) + 1);
}

void Choice::sample(MatView<const float> rows, SamplerScratch& scratch) noexcept {
  fresh_count_ = 0;
  const size_t fed = feed_count_;
  try {
    for (int64_t row = 0; row < rows.rows; ++row) {
      const bool goes_on = take(rows.row_span(row), scratch);
      const auto drafted = static_cast<size_t>(row) + 1;
      const bool accepted = drafted < fed && fresh_count_ == drafted && fresh_[row].id == feed_[drafted];
      accepted_ += accepted ? 1 : 0;
      if (!goes_on || !accepted) break;
    }
  } catch (const std::bad_alloc&) {
    end_ = ChoiceEnd::kAborted;
  }
  drafted_ += fed > 1 ? static_cast<int64_t>(fed) - 1 : 0;
  if (fresh_count_ == 0) return;
  feed_[0] = fresh_[fresh_count_ - 1].id;
  feed_count_ = 1;
}

void Choice::propose(std::span<const float> draft_logits, SamplerScratch& scratch) noexcept {
  if (!all_finite(draft_logits)) return;
  try {
    feed_[1] = choose(draft_logits, scratch);
    feed_count_ = 2;
  } catch (const std::bad_alloc&) {
    return;  // a draft is a favour
  }
}

// One more token; false when it is the last.
bool Choice::take(std::span<const float> logits, SamplerScratch& scratch) {
  if (!all_finite(logits)) {
    end_ = ChoiceEnd::kAborted;
    return false;
  }
  SampledToken& token = fresh_[fresh_count_];
  token.id = choose(logits, scratch);
  if (end_) return false;  // the constraint gave up
  token.reasoning = reasoning_;
  if (request_->top_logprobs) {
    const double log_sum = log_sum_exp(logits);
    token.logprob = log_softmax_at(logits, token.id, log_sum);
    top_logprobs(logits, *request_->top_logprobs, log_sum, token.top);
  }
  sampler_.add_output(token.id);
  mask_known_ = false;
  if (constraint_ && !constraint_->accept(token.id).ok()) end_ = ChoiceEnd::kAborted;
  ++fresh_count_;
  ++sampled_;
  if (reasoning_ && token.id == request_->reasoning->end_token) reasoning_ = false;
  if (end_) return false;
  if (std::count(request_->stop_tokens.begin(), request_->stop_tokens.end(), token.id) > 0) {
    end_ = ChoiceEnd::kStopped;
  } else if (sampled_ == limit_) {
    end_ = ChoiceEnd::kLength;
  }
  return !end_;
}

int32_t Choice::choose(std::span<const float> logits, SamplerScratch& scratch) {
  if (must_end_reasoning()) return request_->reasoning->end_token;
  const auto position = static_cast<int64_t>(request_->prompt.size()) + sampled_;
  return sampler_.sample(logits, position, scratch, mask());
}

// What the constraint allows next; empty where that is everything. A draft and the token itself share it.
std::span<const uint32_t> Choice::mask() {
  if (!constraint_ || constraint_->is_free()) return {};
  if (!mask_known_ && !constraint_->mask(mask_).ok()) end_ = ChoiceEnd::kAborted;
  mask_known_ = true;
  return end_ ? std::span<const uint32_t>() : mask_;
}

// All sampled tokens were reasoning as long as it lasts.
bool Choice::must_end_reasoning() const noexcept {
  return reasoning_ && request_->reasoning->budget_tokens && sampled_ >= *request_->reasoning->budget_tokens;
}

void Choice::count_gaps(std::chrono::steady_clock::time_point now, size_t tokens,
                        DurationHistogram& gaps) noexcept {
  for (size_t i = 0; i < tokens; ++i) {
    if (last_delivery_) gaps.add(std::chrono::duration<double>(now - *last_delivery_).count());
    last_delivery_ = now;
  }
}

}  // namespace fathom
