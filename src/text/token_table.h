// SPDX-License-Identifier: MIT
// TokenTable: the bytes of every token by id, and the ids of the base vocabulary by bytes (chat.md 1).
//
// Invariant: ids are 0 ... size() - 1; a base token's bytes are not empty and belong to no other base token.
// Filled by the loader, then immutable; reading is safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fathom {

class TokenTable {
 public:
  enum class Kind : uint8_t { kBase, kAdded };

  // Ids, and with them ranks, must fit 20 bits (PairTable). The largest vocabularies in use have 18.
  static constexpr int32_t kMaxTokens = 1 << 20;

  // Appends the token with id size().
  void append(std::string_view bytes, Kind kind);
  // Builds the index over the base tokens; to be called once after the last append.
  void build_index();

  int32_t size() const noexcept { return static_cast<int32_t>(starts_.size()) - 1; }
  std::string_view bytes(int32_t id) const noexcept { return {pool_.data() + starts_[id], length(id)}; }
  uint32_t length(int32_t id) const noexcept { return starts_[id + 1] - starts_[id]; }
  bool is_added(int32_t id) const noexcept { return kinds_[id] == Kind::kAdded; }
  // Of the base tokens.
  size_t longest() const noexcept { return longest_; }

  // The base token with these bytes (not empty), or -1.
  int32_t find(std::string_view bytes) const noexcept {
    const Slot* slot = find_slot(bytes);
    return slot == nullptr ? -1 : slot->id;
  }
  // The same, but only a token that BPE makes of its own bytes; -1 for others.
  int32_t find_whole(std::string_view bytes) const noexcept {
    const Slot* slot = find_slot(bytes);
    return slot == nullptr || slot->split ? -1 : slot->id;
  }
  // Notes that BPE makes something else of the bytes of this base token.
  void mark_split(int32_t id) noexcept;

 private:
  // A short token is its own key, so that the usual lookup touches one cache line; a longer one has a hash
  // there.
  struct Slot {
    uint64_t key = 0;
    int32_t id = 0;
    uint32_t length : 31 = 0;  // 0: free
    uint32_t split : 1 = 0;
  };
  static uint64_t key_of(std::string_view bytes) noexcept;
  size_t home_of(uint64_t key) const noexcept;
  const Slot* find_slot(std::string_view bytes) const noexcept;

  std::string pool_;                    // the bytes of all tokens, one after the other
  std::vector<uint32_t> starts_ = {0};  // token id is pool_[starts_[id], starts_[id + 1])
  std::vector<Kind> kinds_;
  std::vector<Slot> slots_;  // open addressing, linear probing, a power of two, at most half full
  int shift_ = 0;            // 64 - log2(slots_.size())
  size_t longest_ = 0;
};

}  // namespace fathom
