// SPDX-License-Identifier: MIT
#include "text/bpe.h"

#include <algorithm>
#include <utility>

namespace fathom {

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

// symbols[i] are the tokens so far, ranks[i] the rank of symbols[i] with symbols[i + 1].
void Bpe::merge_short(std::string_view piece, std::vector<int32_t>& ids) const {
  int32_t symbols[kShort];
  uint32_t ranks[kShort];
  size_t count = piece.size();
  for (size_t i = 0; i < count; ++i) symbols[i] = pairs_.byte_token(piece[i]);
  for (size_t i = 0; i + 1 < count; ++i) ranks[i] = pairs_.byte_rank(piece[i], piece[i + 1]);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) best = ranks[i] < ranks[best] ? i : best;
    if (ranks[best] == PairTable::kNoMerge) break;
    symbols[best] = pairs_.merge(ranks[best]).result;
    std::copy(symbols + best + 2, symbols + count, symbols + best + 1);
    if (best + 2 < count) std::copy(ranks + best + 2, ranks + count - 1, ranks + best + 1);
    --count;
    if (best > 0) ranks[best - 1] = pairs_.rank(symbols[best - 1], symbols[best]);
    if (best + 1 < count) ranks[best] = pairs_.rank(symbols[best], symbols[best + 1]);
  }
  ids.insert(ids.end(), symbols, symbols + count);
}

void Bpe::merge(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (piece.size() <= kShort) {
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
