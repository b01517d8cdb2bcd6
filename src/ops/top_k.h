// SPDX-License-Identifier: MIT
// The k best of a stream of scores; equal scores: the lower index (architecture.md 5, 6).
//
// StreamingTopK gathers candidates in memory of the caller and throws the worse half away when it is full, so
// scores can come tile by tile, most cost one comparison, and nothing is allocated. NaN counts as -infinity.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace fathom {

struct ScoredIndex {
  float score = 0.0F;
  int32_t index = 0;
};

class StreamingTopK {
 public:
  // room: 2 k elements.
  explicit StreamingTopK(std::span<ScoredIndex> room) noexcept : room_(room) {}

  // Scores of the indices first, first + 1, ...; every index at most once, in any order of calls.
  void push(int32_t first, std::span<const float> scores) noexcept;
  // What another one kept of other indices. A split stream merged gives what the whole stream gives.
  void merge(const StreamingTopK& other) noexcept;
  // Writes the k best indices in ascending order; returns their number, min(k, pushed).
  int64_t sorted_indices(std::span<int32_t> out) noexcept;

 private:
  void offer(ScoredIndex candidate) noexcept;
  void keep_best_half() noexcept;

  std::span<ScoredIndex> room_;  // room_[0, size_): every candidate that may be among the k best
  size_t size_ = 0;
  // What a candidate must be better than: the k-th best so far, once that is known.
  ScoredIndex bar_{-std::numeric_limits<float>::infinity(), std::numeric_limits<int32_t>::max()};
};

}  // namespace fathom
