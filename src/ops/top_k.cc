// SPDX-License-Identifier: MIT
#include "ops/top_k.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace fathom {
namespace {

bool better(const ScoredIndex& a, const ScoredIndex& b) noexcept {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

}  // namespace

void StreamingTopK::offer(ScoredIndex candidate) noexcept {
  if (size_ < heap_.size()) {
    // No NaN enters the heap, so that its order is one; below, none is better than anything.
    if (std::isnan(candidate.score)) candidate.score = -std::numeric_limits<float>::infinity();
    heap_[size_++] = candidate;
    std::push_heap(heap_.begin(), heap_.begin() + static_cast<ptrdiff_t>(size_), better);
  } else if (size_ > 0 && better(candidate, heap_[0])) {
    std::pop_heap(heap_.begin(), heap_.end(), better);
    heap_.back() = candidate;
    std::push_heap(heap_.begin(), heap_.end(), better);
  }
}

void StreamingTopK::push(int32_t first, std::span<const float> scores) noexcept {
  for (size_t i = 0; i < scores.size(); ++i) offer({scores[i], first + static_cast<int32_t>(i)});
}

void StreamingTopK::merge(const StreamingTopK& other) noexcept {
  for (size_t i = 0; i < other.size_; ++i) offer(other.heap_[i]);
}

int64_t StreamingTopK::sorted_indices(std::span<int32_t> out) noexcept {
  FATHOM_DCHECK(out.size() >= size_);
  for (size_t i = 0; i < size_; ++i) out[i] = heap_[i].index;
  std::sort(out.begin(), out.begin() + static_cast<ptrdiff_t>(size_));
  return static_cast<int64_t>(size_);
}

}  // namespace fathom
