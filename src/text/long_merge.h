// SPDX-License-Identifier: MIT
// LongMerge: byte pair merges over a long piece, each rank in one sweep (chat.md 1, step 4).
//
// All places where a pair of rank r stands wait in the bucket of r. The lowest bucket is swept from left to
// right; a merge puts the two new pairs beside it into their buckets. A heap of millions of places would miss
// the cache at every step, a sweep reads memory in order. Places in buckets may be stale; a sweep checks that
// the pair still stands there. O(n log n) at worst (a bucket filled out of order is sorted) where parts rank
// before what is made of them, as training has it; linear on runs of one letter. About 12 bytes of memory for
// one of text. One call, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string_view>
#include <vector>

#include "text/pair_table.h"
#include "text/token_table.h"

namespace fathom {

class LongMerge {
 public:
  struct Bucket {
    std::vector<uint32_t> places;  // byte offsets of the left token
    bool sorted = true;
  };
  // Reused from piece to piece; empty at the start.
  struct Scratch {
    std::vector<int32_t> tokens;     // see tokens_ below
    std::vector<int32_t> bucket_of;  // [rank] index into buckets + 1; 0: none
    std::vector<Bucket> buckets;
    std::vector<int32_t> free_buckets;
    std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ranks;  // of the buckets in use
  };
  static constexpr size_t kMaxBytes = size_t{1} << 31;

  // Requires a piece of 1 to kMaxBytes bytes.
  LongMerge(const TokenTable& vocabulary, const PairTable& pairs, Scratch& scratch);

  // Appends the ids of `piece`.
  void run(std::string_view piece, std::vector<int32_t>& ids);

 private:
  // What the neighbours of the last merge of a sweep gave: in a run of one letter all others are the same.
  struct Sweep {
    int32_t before = -1;
    int32_t after = -1;
    uint32_t before_rank = PairTable::kNoMerge;
    uint32_t after_rank = PairTable::kNoMerge;
  };

  void start(std::string_view piece);
  void sweep_lowest();
  std::vector<uint32_t> take_lowest();
  void merge_at(uint32_t place, const Merge& merge, Sweep& sweep);
  void add(uint32_t rank, uint32_t place);

  const TokenTable& vocabulary_;
  const PairTable& pairs_;
  Scratch& scratch_;
  // [byte] At the first byte of a token its id; at its last byte (when that is another one) ~id, so that the
  // token before a place can be found; negative, meaningless between them.
  std::vector<int32_t>& tokens_;
};

}  // namespace fathom
