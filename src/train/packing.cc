// SPDX-License-Identifier: MIT
#include "train/packing.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace fathom {

std::vector<DocumentPiece> cut_documents(std::span<const int64_t> lengths, int64_t sequence_tokens) {
  std::vector<DocumentPiece> pieces;
  for (size_t i = 0; i < lengths.size(); ++i) {
    for (int64_t begin = 0; begin + 1 < lengths[i]; begin += sequence_tokens) {
      pieces.push_back({static_cast<int64_t>(i), begin, std::min(begin + sequence_tokens, lengths[i])});
    }
  }
  return pieces;
}

std::vector<PackedSequence> pack_best_fit(std::vector<DocumentPiece> pieces, int64_t sequence_tokens) {
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const DocumentPiece& a, const DocumentPiece& b) { return a.size() > b.size(); });
  std::vector<PackedSequence> sequences;
  std::set<std::pair<int64_t, size_t>> room;  // (tokens left, sequence)
  for (const DocumentPiece& piece : pieces) {
    const auto fullest = room.lower_bound({piece.size(), 0});
    int64_t left = sequence_tokens;
    size_t place = sequences.size();
    if (fullest == room.end()) {
      sequences.emplace_back();
    } else {
      std::tie(left, place) = *fullest;
      room.erase(fullest);
    }
    sequences[place].push_back(piece);
    left -= piece.size();
    if (left > 1) room.insert({left, place});
  }
  return sequences;
}

}  // namespace fathom
