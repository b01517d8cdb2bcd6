// SPDX-License-Identifier: MIT
// Bpe: the ids of one piece of text by byte pair merges, lowest rank first, leftmost first (chat.md 1, step
// 4).
//
// Three ways to the same ids: a piece that is a token by itself is looked up; a short piece is merged in
// place, which is quadratic but all in registers and first-level cache; a long one is merged by LongMerge in
// O(n log n). Immutable after construction; any thread, each with its own BpeScratch.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/long_merge.h"
#include "text/pair_table.h"
#include "text/token_table.h"

namespace fathom {

// Working memory of one call of encode, reused from piece to piece.
using BpeScratch = LongMerge::Scratch;

class Bpe {
 public:
  // `merges` in the order of their ranks. Every byte has a base token; the bytes of a merge's result are
  // those of its parts, all three are base tokens; no pair occurs twice.
  Bpe(TokenTable tokens, std::vector<Merge> merges);

  const TokenTable& tokens() const noexcept { return tokens_; }

  // Appends the ids of `piece`.
  void encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;

 private:
  void merge_short(std::string_view piece, std::vector<int32_t>& ids) const;
  void merge(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;

  TokenTable tokens_;
  PairTable pairs_;
};

}  // namespace fathom
