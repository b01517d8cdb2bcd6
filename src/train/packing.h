// SPDX-License-Identifier: MIT
// Best-fit packing (training.md 10): documents into sequences of a fixed length, with little room left over
// and no document cut that would have fitted (Ding et al. 2024). Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fathom {

// Tokens [begin, end) of a document; a document longer than a sequence comes in several pieces, each of
// which is a document of its own to the model.
struct DocumentPiece {
  int64_t document = 0;
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const noexcept { return end - begin; }
};

// Pieces of at most `sequence_tokens` of documents of the given lengths, in order. Pieces of one token, which
// predict nothing, are left out.
std::vector<DocumentPiece> cut_documents(std::span<const int64_t> lengths, int64_t sequence_tokens);

using PackedSequence = std::vector<DocumentPiece>;

// Sequences of at most `sequence_tokens`, holding every piece once: the longest first, each into the fullest
// sequence that has room; of equals the first. Requires pieces of at most that length.
std::vector<PackedSequence> pack_best_fit(std::vector<DocumentPiece> pieces, int64_t sequence_tokens);

}  // namespace fathom
