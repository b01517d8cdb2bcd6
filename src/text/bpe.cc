// SPDX-License-Identifier: MIT
#include "text/bpe.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fathom {
namespace {

// Four keys that are compared at once; a compiler's vector, which every 64-bit CPU has instructions for.
using Keys [[gnu::vector_size(16)]] = int32_t;

// The tokens of a piece of up to 128 bytes, in place: a linked list, indexed by the first byte of each token.
// The pair that starts there has the key rank * 128 + index, so that the smallest key is the lowest rank and
// of these the leftmost.
class ShortPiece {
 public:
  static constexpr size_t kMaxBytes = 128;

  ShortPiece(std::string_view piece, const PairTable& pairs) noexcept : pairs_(pairs), size_(piece.size()) {
    for (size_t i = 0; i < size_; ++i) {
      tokens_[i] = pairs.byte_token(piece[i]);
      previous_[i] = static_cast<uint8_t>(i - 1);
      next_[i] = static_cast<uint8_t>(i + 1);
    }
    const size_t filled = (size_ + kLanes - 1) / kLanes * kLanes;
    std::fill_n(keys_ + filled - kLanes, kLanes, kNoKey);
    for (size_t i = 0; i + 1 < size_; ++i) keys_[i] = key_of(pairs.byte_rank(piece[i], piece[i + 1]), i);
  }

  void merge() noexcept {
    for (int32_t key = smallest_key(); key != kNoKey; key = smallest_key()) {
      const auto at = static_cast<size_t>(key) % kMaxBytes;
      const size_t gone = next_[at];
      const size_t next = next_[gone];
      tokens_[at] = pairs_.result(static_cast<uint32_t>(key) / kMaxBytes);
      next_[at] = static_cast<uint8_t>(next);
      keys_[gone] = kNoKey;
      keys_[at] = kNoKey;
      if (next < size_) {
        previous_[next] = static_cast<uint8_t>(at);
        keys_[at] = key_of(pairs_.rank(tokens_[at], tokens_[next]), at);
      }
      if (at > 0) {
        const size_t previous = previous_[at];
        keys_[previous] = key_of(pairs_.rank(tokens_[previous], tokens_[at]), previous);
      }
    }
  }

  void append_to(std::vector<int32_t>& ids) const {
    for (size_t i = 0; i < size_; i = next_[i]) ids.push_back(tokens_[i]);
  }

 private:
  static constexpr size_t kLanes = sizeof(Keys) / sizeof(int32_t);
  static constexpr int32_t kNoKey = INT32_MAX;
  static_assert(TokenTable::kMaxTokens <= kNoKey / static_cast<int32_t>(kMaxBytes));

  static int32_t key_of(uint32_t rank, size_t index) noexcept {
    return rank == PairTable::kNoMerge ? kNoKey : static_cast<int32_t>(rank * kMaxBytes + index);
  }

  int32_t smallest_key() const noexcept {
    Keys smallest;
    std::memcpy(&smallest, keys_, sizeof smallest);
    for (size_t i = kLanes; i < size_; i += kLanes) {
      Keys keys;
      std::memcpy(&keys, keys_ + i, sizeof keys);
      smallest = keys < smallest ? keys : smallest;
    }
    return std::min(std::min(smallest[0], smallest[1]), std::min(smallest[2], smallest[3]));
  }

  const PairTable& pairs_;
  const size_t size_;
  alignas(Keys) int32_t keys_[kMaxBytes];  // filled up with kNoKey to whole vectors
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
