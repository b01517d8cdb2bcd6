// SPDX-License-Identifier: MIT
// SegmentIndex: which prefixes are stored, where, and which goes first when room is needed (design.md 12).
//
// Eviction is least recently used, by leaf: whoever uses a segment uses all before it, and is noted as having
// used those last, so what is oldest in a tier never has a follower there. A true LRU order in a map, not
// a sample: a look-up moves as many segments as it uses, and files cost far more than map nodes.
// Invariants: by_key_ holds only segments that are in a tier, all of them unless memory ran out; a tier's
// bytes are the sum of theirs and never pass its budget, an account's never its share. Owned by PrefixCache;
// engine thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "cache/cache_types.h"
#include "cache/prefix_keys.h"
#include "cache/segment.h"

namespace fathom {

// Keys are digests: any 8 of their bytes are as good as random.
struct DigestHash {
  size_t operator()(const Digest& digest) const noexcept;
};

// A stored segment. The order is its place in the tier's LRU map; 0: not in the tier.
struct StoredSegment {
  SegmentHeader header;
  bool foreign = false;  // of another model or version: only its bytes count
  SharedSegment ram;     // null when not in RAM
  uint64_t ram_order = 0;
  uint64_t disk_order = 0;
  int64_t bytes = 0;
  int write_number = 0;    // how often its writing was asked for
  int pending_writes = 0;  // of these, how many are not done

  bool on_disk() const noexcept { return disk_order != 0; }
};
using SegmentRef = std::shared_ptr<StoredSegment>;

// Bytes and order of the segments of one tier.
class TierBudget {
 public:
  // `order` is the member of StoredSegment that this tier keeps.
  TierBudget(int64_t budget_bytes, double tenant_share, uint64_t StoredSegment::* order);

  int64_t bytes() const noexcept { return bytes_; }
  int64_t segments() const noexcept { return static_cast<int64_t>(by_order_.size()); }
  // Whether a segment of this size could ever be taken.
  bool fits(int64_t bytes) const noexcept { return bytes <= account_budget_; }
  // The oldest segment that must go so that `bytes` more of the account's fit; null when they fit as it is.
  SegmentRef victim(const Digest& account, int64_t bytes) const;
  void add(const SegmentRef& segment, uint64_t order);
  void remove(StoredSegment& segment);
  // Makes it the most recently used.
  void touch(StoredSegment& segment, uint64_t order);

 private:
  struct Account {
    int64_t bytes = 0;
    std::map<uint64_t, SegmentRef> by_order;
  };

  int64_t budget_;
  int64_t account_budget_;
  uint64_t StoredSegment::* order_;
  int64_t bytes_ = 0;
  std::map<uint64_t, SegmentRef> by_order_;
  std::unordered_map<Digest, Account, DigestHash> accounts_;
};

// Adjacent segments from token 0 on.
using SegmentChain = std::vector<SegmentRef>;

class SegmentIndex {
 public:
  SegmentIndex(TierBudget ram, TierBudget disk) : ram_(std::move(ram)), disk_(std::move(disk)) {}

  const TierBudget& ram() const noexcept { return ram_; }
  const TierBudget& disk() const noexcept { return disk_; }

  // The longest stored prefix of the sequence, at most `limit` tokens; empty when there is none.
  SegmentChain longest_chain(const PrefixKeys& keys, int64_t limit) const;
  SegmentRef find(const Digest& key) const;

  // Puts a segment into a tier where it is not yet; room must have been made. It is its key's only one.
  void add_to_ram(const SegmentRef& segment, SharedSegment bytes);
  void add_to_disk(const SegmentRef& segment);
  // Takes it out; it is forgotten when it is in neither tier.
  void remove_from_ram(const SegmentRef& segment);
  void remove_from_disk(const SegmentRef& segment);
  // Notes that all were used just now.
  void touch(const SegmentChain& chain);

 private:
  void know(const SegmentRef& segment);
  void forget_if_nowhere(const SegmentRef& segment);
  SegmentChain chain_to(const PrefixKeys& keys, int64_t position) const;

  TierBudget ram_;
  TierBudget disk_;
  uint64_t last_order_ = 0;
  std::unordered_map<Digest, SegmentRef, DigestHash> by_key_;
  // Block key -> ends of prefixes that end within the next block, each with their number.
  std::unordered_map<Digest, std::map<int64_t, int64_t>, DigestHash> partial_ends_;
};

}  // namespace fathom
