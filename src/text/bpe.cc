// SPDX-License-Identifier: MIT
#include "text/bpe.h"

#include <algorithm>
#include <utility>

namespace fathom {
namespace {

// The tokens of a piece of up to 128 bytes, in place: a linked list, indexed by the first byte of each token.
// The pair that starts there has the key rank * 128 + index, so that the smallest key is the lowest rank and
// of these the leftmost. The smallest key of every 8 is kept, which makes the next merge cheap to find.
class ShortPiece {
 public:
  static constexpr size_t kMaxBytes = 128;

  ShortPiece(std::string_view piece, const PairTable& pairs) noexcept : pairs_(pairs), size_(piece.size()) {
    const size_t blocks = (size_ + kBlock - 1) / kBlock;
    std::fill_n(keys_ + (blocks - 1) * kBlock, kBlock, kNoKey);
    for (size_t i = 0; i < size_; ++i) {
      tokens_[i] = pairs.byte_token(piece[i]);
      previous_[i] = static_cast<uint8_t>(i - 1);
      next_[i] = static_cast<uint8_t>(i + 1);
    }
    for (size_t i = 0; i + 1 < size_; ++i) keys_[i] = key_of(pairs.byte_rank(piece[i], piece[i + 1]), i);
    update_smallest(0, size_ - 1);
  }

  void merge() noexcept {
    for (uint32_t key = smallest_key(); key != kNoKey; key = smallest_key())
      merge_at(key % kMaxBytes, key / kMaxBytes);
  }

  void append_to(std::vector<int32_t>& ids) const {
    for (size_t i = 0; i < size_; i = next_[i]) ids.push_back(tokens_[i]);
  }

 private:
  static constexpr size_t kBlock = 8;
  static constexpr uint32_t kNoKey = UINT32_MAX;
  static_assert(TokenTable::kMaxTokens <= kNoKey / kMaxBytes);

  static uint32_t key_of(uint32_t rank, size_t index) noexcept {
    return rank == PairTable::kNoMerge
               ? kNoKey
               : rank * static_cast<uint32_t>(kMaxBytes) + static_cast<uint32_t>(index);
  }

  void merge_at(size_t at, uint32_t rank) noexcept {
    const size_t gone = next_[at];
    const size_t next = next_[gone];
    tokens_[at] = pairs_.result(rank);
    next_[at] = static_cast<uint8_t>(next);
    keys_[gone] = kNoKey;
    keys_[at] = kNoKey;
    if (next < size_) {
      previous_[next] = static_cast<uint8_t>(at);
      keys_[at] = key_of(pairs_.rank(tokens_[at], tokens_[next]), at);
    }
    size_t first = at;
    if (at > 0) {
      first = previous_[at];
      keys_[first] = key_of(pairs_.rank(tokens_[first], tokens_[at]), first);
    }
    update_smallest(first, gone);
  }

  // For the blocks that hold keys [first, last].
  void update_smallest(size_t first, size_t last) noexcept {
    for (size_t block = first / kBlock; block <= last / kBlock; ++block) {
      const uint32_t* keys = keys_ + block * kBlock;
      uint32_t smallest = keys[0];
      for (size_t i = 1; i < kBlock; ++i) smallest = std::min(smallest, keys[i]);
      smallest_[block] = smallest;
    }
  }

  uint32_t smallest_key() const noexcept {
    uint32_t smallest = smallest_[0];
    for (size_t block = 1; block * kBlock < size_; ++block) smallest = std::min(smallest, smallest_[block]);
    return smallest;
  }

  const PairTable& pairs_;
  const size_t size_;
  uint32_t keys_[kMaxBytes];  // filled up with kNoKey to a whole block
  uint32_t smallest_[kMaxBytes / kBlock];
  int32_t tokens_[kMaxBytes];
  uint8_t previous_[kMaxBytes];
  uint8_t next_[kMaxBytes];  // size_ behind the last
};

}  // namespace

Bpe::Bpe(TokenTable tokens, std::vector<Merge> merges)
    : tokens_(std::move(tokens)), pairs_(std::move(merges), tokens_) {
  // A token whose own bytes merge into something else must not be found by lookup.
  BpeScratch scratch;
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < tokens_.size(); ++id) {
    if (tokens_.is_added(id)) continue;
    ids.clear();
    merge(tokens_.bytes(id), scratch, ids);
    if (ids.size() != 1) tokens_.mark_split(id);
  }
}

void Bpe::merge_short(std::string_view piece, std::vector<int32_t>& ids) const {
  ShortPiece tokens(piece, pairs_);
  tokens.merge();
  tokens.append_to(ids);
}

void Bpe::merge(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (piece.size() <= ShortPiece::kMaxBytes) {
    merge_short(piece, ids);
  } else {
    LongMerge(tokens_, pairs_, scratch).run(piece, ids);
  }
}

void Bpe::encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (piece.size() <= tokens_.longest()) {
    const int32_t id = tokens_.find_whole(piece);
    if (id >= 0) {
      ids.push_back(id);
      return;
    }
  }
  // A piece of more than 2 GiB is cut, so that places in it keep to 32 bits.
  for (; piece.size() > LongMerge::kMaxBytes; piece.remove_prefix(LongMerge::kMaxBytes)) {
    merge(piece.substr(0, LongMerge::kMaxBytes), scratch, ids);
  }
  merge(piece, scratch, ids);
}

}  // namespace fathom
