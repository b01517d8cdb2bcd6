// SPDX-License-Identifier: MIT
// PairTable: which pairs of tokens merge, at which rank, into what.
//
// Immutable after construction; any thread.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "text/token_table.h"

namespace fathom {

struct Merge {
  int32_t left = 0;
  int32_t right = 0;
  int32_t result = 0;
};

class PairTable {
 public:
  static constexpr uint32_t kNoMerge = UINT32_MAX;  // greater than any rank

  // `merges` in the order of their ranks, no pair twice; `tokens` has a base token for every byte.
  PairTable(std::vector<Merge> merges, const TokenTable& tokens) : merges_(std::move(merges)) {
    FATHOM_CHECK(merges_.size() < kLimit);
    slots_.assign(std::bit_ceil(2 * merges_.size() + 2), kFree);
    shift_ = 64 - std::countr_zero(slots_.size());
    results_.reserve(merges_.size());
    for (size_t rank = 0; rank < merges_.size(); ++rank) {
      results_.push_back(merges_[rank].result);
      const uint64_t key = key_of(merges_[rank].left, merges_[rank].right);
      size_t i = home_of(key);
      while (slots_[i] != kFree) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = key << kBits | rank;
    }
    for (int byte = 0; byte < 256; ++byte) {
      const auto text = static_cast<char>(byte);
      byte_tokens_[byte] = tokens.find(std::string_view(&text, 1));
      FATHOM_CHECK(byte_tokens_[byte] >= 0);
    }
    byte_ranks_.resize(size_t{256} * 256);
    for (size_t i = 0; i < byte_ranks_.size(); ++i) {
      byte_ranks_[i] = rank(byte_tokens_[i >> 8], byte_tokens_[i & 255]);
    }
  }

  // Apart from merge(), so that what BPE reads most stays in the cache.
  int32_t result(uint32_t rank) const noexcept { return results_[rank]; }
  const Merge& merge(uint32_t rank) const noexcept { return merges_[rank]; }
  size_t size() const noexcept { return merges_.size(); }

  // The rank of the pair or kNoMerge.
  uint32_t rank(int32_t left, int32_t right) const noexcept {
    const uint64_t key = key_of(left, right);
    for (size_t i = home_of(key);; i = (i + 1) & (slots_.size() - 1)) {
      const uint64_t slot = slots_[i];
      if (slot >> kBits == key) return static_cast<uint32_t>(slot & (kLimit - 1));
      if (slot == kFree) return kNoMerge;
    }
  }

  // The same for the tokens of two single bytes, where every piece starts.
  int32_t byte_token(char byte) const noexcept { return byte_tokens_[static_cast<uint8_t>(byte)]; }
  uint32_t byte_rank(char left, char right) const noexcept {
    return byte_ranks_[static_cast<size_t>(static_cast<uint8_t>(left)) << 8 | static_cast<uint8_t>(right)];
  }

 private:
  static constexpr int kBits = 20;
  static constexpr uint64_t kLimit = uint64_t{1} << kBits;
  static_assert(TokenTable::kMaxTokens <= static_cast<int64_t>(kLimit));
  static constexpr uint64_t kFree = UINT64_MAX;  // no slot in use has its upper 4 bits set

  static uint64_t key_of(int32_t left, int32_t right) noexcept {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << kBits | static_cast<uint32_t>(right);
  }
  // The upper bits of a product depend on all bits of the key.
  size_t home_of(uint64_t key) const noexcept { return (key * 0x9E3779B97F4A7C15u) >> shift_; }

  int shift_ = 0;                 // 64 - log2(slots_.size())
  std::vector<int32_t> results_;  // by rank
  std::vector<Merge> merges_;     // by rank
  std::vector<uint64_t>
      slots_;  // left, right, rank in 20 bits each; linear probing, a power of two, at most half full
  std::array<int32_t, 256> byte_tokens_{};
  std::vector<uint32_t> byte_ranks_;  // [256 * 256], left byte first
};

}  // namespace fathom
