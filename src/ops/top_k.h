// SPDX-License-Identifier: MIT
// The k best of a stream of scores; equal scores: the lower index (architecture.md 5, 6).
//
// StreamingTopK keeps a heap in memory of the caller, so scores can come tile by tile and nothing is
// allocated. NaN counts as -infinity.
#pragma once

#include <cstdint>
#include <span>

namespace fathom {

struct ScoredIndex {
  float score = 0.0F;
  int32_t index = 0;
};

class StreamingTopK {
 public:
  // heap: room for k elements.
  explicit StreamingTopK(std::span<ScoredIndex> heap) noexcept : heap_(heap) {}

  // Scores of the indices first, first + 1, ...; every index at most once, in any order of calls.
  void push(int32_t first, std::span<const float> scores) noexcept;
  // What another one kept of other indices. A split stream merged gives what the whole stream gives.
  void merge(const StreamingTopK& other) noexcept;
  // Writes the kept indices in ascending order; returns their number, min(k, pushed).
  int64_t sorted_indices(std::span<int32_t> out) noexcept;

 private:
  void offer(ScoredIndex candidate) noexcept;

  std::span<ScoredIndex> heap_;  // heap_[0, size_): the worst kept element first
  size_t size_ = 0;
};

}  // namespace fathom
