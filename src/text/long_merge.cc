// SPDX-License-Identifier: MIT
#include "text/long_merge.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace fathom {

LongMerge::LongMerge(const TokenTable& vocabulary, const PairTable& pairs, Scratch& scratch)
    : vocabulary_(vocabulary), pairs_(pairs), scratch_(scratch), tokens_(scratch.tokens) {}

void LongMerge::add(uint32_t rank, uint32_t place) {
  if (rank == PairTable::kNoMerge) return;
  int32_t& number = scratch_.bucket_of[rank];
  if (number == 0) {
    if (scratch_.free_buckets.empty()) {
      scratch_.buckets.emplace_back();
      number = static_cast<int32_t>(scratch_.buckets.size());
    } else {
      number = scratch_.free_buckets.back();
      scratch_.free_buckets.pop_back();
    }
    scratch_.ranks.push(rank);
  }
  Bucket& bucket = scratch_.buckets[number - 1];
  bucket.sorted = bucket.sorted && (bucket.places.empty() || bucket.places.back() <= place);
  bucket.places.push_back(place);
}

// Takes the places of the lowest rank out of its bucket, which then may serve another rank.
std::vector<uint32_t> LongMerge::take_lowest() {
  const uint32_t rank = scratch_.ranks.top();
  const int32_t number = std::exchange(scratch_.bucket_of[rank], 0);
  Bucket& bucket = scratch_.buckets[number - 1];
  if (!bucket.sorted) std::sort(bucket.places.begin(), bucket.places.end());
  bucket.sorted = true;
  scratch_.free_buckets.push_back(number);
  scratch_.ranks.pop();
  return std::exchange(bucket.places, {});
}

// Merges the two tokens at `place` and queues the pairs that the new one makes with its neighbours.
void LongMerge::merge_at(uint32_t place, const Merge& merge, Sweep& sweep) {
  const uint32_t middle = place + vocabulary_.length(merge.left);
  const uint32_t end = middle + vocabulary_.length(merge.right);
  tokens_[middle] = ~merge.result;
  tokens_[end - 1] = ~merge.result;
  tokens_[place] = merge.result;
  if (place > 0) {
    const int32_t tag = tokens_[place - 1];
    const int32_t before = tag < 0 ? ~tag : tag;
    if (before != sweep.before) {
      sweep.before = before;
      sweep.before_rank = pairs_.rank(before, merge.result);
    }
    add(sweep.before_rank, place - vocabulary_.length(before));
  }
  if (end < tokens_.size()) {
    const int32_t after = tokens_[end];
    if (after != sweep.after) {
      sweep.after = after;
      sweep.after_rank = pairs_.rank(merge.result, after);
    }
    add(sweep.after_rank, place);
  }
}

// Merges everything of the lowest rank, or up to the point where a lower one appears: a file may say that a
// part of a merge has a higher rank than the merge itself.
void LongMerge::sweep_lowest() {
  const uint32_t rank = scratch_.ranks.top();
  const Merge merge = pairs_.merge(rank);
  const uint32_t left_length = vocabulary_.length(merge.left);
  std::vector<uint32_t> places = take_lowest();
  Sweep sweep;
  for (size_t i = 0; i < places.size(); ++i) {
    const uint32_t place = places[i];
    if (tokens_[place] != merge.left) continue;
    const size_t middle = size_t{place} + left_length;
    if (middle >= tokens_.size() || tokens_[middle] != merge.right) continue;
    merge_at(place, merge, sweep);
    if (!scratch_.ranks.empty() && scratch_.ranks.top() < rank) {
      for (++i; i < places.size(); ++i) add(rank, places[i]);
    }
  }
}

void LongMerge::start(std::string_view piece) {
  FATHOM_CHECK(!piece.empty() && piece.size() <= kMaxBytes);
  scratch_.bucket_of.resize(pairs_.size());
  tokens_.resize(piece.size());
  for (size_t i = 0; i < piece.size(); ++i) tokens_[i] = pairs_.byte_token(piece[i]);
  for (size_t i = 0; i + 1 < piece.size(); ++i) {
    add(pairs_.byte_rank(piece[i], piece[i + 1]), static_cast<uint32_t>(i));
  }
}

void LongMerge::run(std::string_view piece, std::vector<int32_t>& ids) {
  start(piece);
  while (!scratch_.ranks.empty()) sweep_lowest();
  for (size_t i = 0; i < piece.size(); i += vocabulary_.length(tokens_[i])) ids.push_back(tokens_[i]);
}

}  // namespace fathom
