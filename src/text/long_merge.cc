// SPDX-License-Identifier: MIT
#include "text/long_merge.h"

#include <algorithm>

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

// The bucket of the lowest rank is swept: it may serve another rank.
void LongMerge::release(uint32_t rank) {
  const int32_t number = scratch_.bucket_of[rank];
  Bucket& bucket = scratch_.buckets[number - 1];
  constexpr size_t kKept =
      1024;  // places; keeping more would let many ranks in turn hold the largest bucket's memory
  if (bucket.places.capacity() > kKept) bucket.places = {};
  bucket.places.clear();
  bucket.done = 0;
  bucket.sorted = true;
  scratch_.bucket_of[rank] = 0;
  scratch_.free_buckets.push_back(number);
  scratch_.ranks.pop();
}

// Merges the two tokens at `place` and queues the pairs that the new one makes with its neighbours.
void LongMerge::merge_at(uint32_t place, const Merge& merge) {
  const uint32_t middle = place + vocabulary_.length(merge.left);
  const uint32_t end = middle + vocabulary_.length(merge.right);
  tokens_[middle] = ~merge.result;
  tokens_[end - 1] = ~merge.result;
  tokens_[place] = merge.result;
  if (place > 0) {
    const int32_t tag = tokens_[place - 1];
    const int32_t before = tag < 0 ? ~tag : tag;
    add(pairs_.rank(before, merge.result), place - vocabulary_.length(before));
  }
  if (end < tokens_.size()) add(pairs_.rank(merge.result, tokens_[end]), place);
}

// Merges everything of the lowest rank, or up to the point where a lower rank appears.
void LongMerge::sweep(uint32_t rank) {
  const size_t number = static_cast<size_t>(scratch_.bucket_of[rank] - 1);
  const Merge merge = pairs_.merge(rank);
  const uint32_t left_length = vocabulary_.length(merge.left);
  {
    Bucket& bucket = scratch_.buckets[number];
    if (!bucket.sorted) {
      std::sort(bucket.places.begin() + static_cast<std::ptrdiff_t>(bucket.done), bucket.places.end());
      bucket.sorted = true;
    }
  }
  // merge_at may move the buckets: no reference is held across it.
  while (scratch_.buckets[number].done < scratch_.buckets[number].places.size()) {
    Bucket& bucket = scratch_.buckets[number];
    const uint32_t place = bucket.places[bucket.done++];
    if (tokens_[place] != merge.left) continue;
    const size_t middle = size_t{place} + left_length;
    if (middle >= tokens_.size() || tokens_[middle] != merge.right) continue;
    merge_at(place, merge);
    if (scratch_.ranks.top() < rank) return;
  }
  release(rank);
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
  while (!scratch_.ranks.empty()) sweep(scratch_.ranks.top());
  for (size_t i = 0; i < piece.size(); i += vocabulary_.length(tokens_[i])) ids.push_back(tokens_[i]);
}

}  // namespace fathom
