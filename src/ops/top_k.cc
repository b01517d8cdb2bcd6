// SPDX-License-Identifier: MIT
#include "ops/top_k.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace fathom {
namespace {

bool better(const ScoredIndex& a, const ScoredIndex& b) noexcept {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

}  // namespace

void StreamingTopK::keep_best_half() noexcept {
  const auto k = static_cast<ptrdiff_t>(room_.size() / 2);
  std::nth_element(room_.begin(), room_.begin() + k - 1, room_.begin() + static_cast<ptrdiff_t>(size_),
                   better);
  size_ = static_cast<size_t>(k);
  bar_ = room_[size_ - 1];
}

void StreamingTopK::offer(ScoredIndex candidate) noexcept {
  if (!better(candidate, bar_) || room_.empty()) return;
  room_[size_++] = candidate;
  if (size_ == room_.size()) keep_best_half();
}

void StreamingTopK::push(int32_t first, std::span<const float> scores) noexcept {
  for (size_t i = 0; i < scores.size(); ++i) {
    // No NaN is kept, so that the order is one.
    const float score = std::isnan(scores[i]) ? -std::numeric_limits<float>::infinity() : scores[i];
    offer({score, first + static_cast<int32_t>(i)});
  }
}

void StreamingTopK::merge(const StreamingTopK& other) noexcept {
  for (size_t i = 0; i < other.size_; ++i) offer(other.room_[i]);
}

int64_t StreamingTopK::sorted_indices(std::span<int32_t> out) noexcept {
  if (size_ > room_.size() / 2) keep_best_half();
  FATHOM_DCHECK(out.size() >= size_);
  for (size_t i = 0; i < size_; ++i) out[i] = room_[i].index;
  std::sort(out.begin(), out.begin() + static_cast<ptrdiff_t>(size_));
  return static_cast<int64_t>(size_);
}

}  // namespace fathom
