// SPDX-License-Identifier: MIT
#include "text/bpe_trainer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <queue>
#include <unordered_set>
#include <utility>

#include "base/concat.h"
#include "text/byte_alphabet.h"
#include "text/pre_tokenizer.h"

namespace fathom {
namespace {

// A pair of neighbours by their places in the vocabulary; its order is the order of ties.
using Pair = uint64_t;
Pair pair_of(int32_t left, int32_t right) noexcept {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

struct Piece {
  std::vector<int32_t> tokens;
  int64_t count;
};

struct PairFacts {
  int64_t count = 0;
  std::vector<uint32_t> pieces;  // that may hold the pair; one may stand here twice
};

// What the heap was told; stale once the pair's count has changed.
struct Candidate {
  int64_t count;
  Pair pair;
  // The heap's top is the most frequent one, of equals the lower pair.
  bool operator<(const Candidate& other) const noexcept {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

class Training {
 public:
  explicit Training(const std::unordered_map<std::string, int64_t>& counts) {
    start_alphabet();
    for (const auto& [text, count] : counts) {
      Piece piece{.tokens = {}, .count = count};
      for (const char byte : text) piece.tokens.push_back(place_of_byte_[static_cast<uint8_t>(byte)]);
      pieces_.push_back(std::move(piece));
    }
    for (uint32_t i = 0; i < pieces_.size(); ++i) {
      for (size_t k = 1; k < pieces_[i].tokens.size(); ++k) {
        add(pair_of(pieces_[i].tokens[k - 1], pieces_[i].tokens[k]), i);
      }
    }
    for (const auto& [pair, facts] : pairs_) heap_.push({facts.count, pair});
  }

  TrainedBpe run(const BpeTrainingOptions& options) {
    while (std::ssize(tokens_) < options.vocab_size) {
      const Pair pair = take_most_frequent(options.min_frequency);
      if (pair == kNone) break;
      merge(pair);
    }
    for (Merge& merge : merges_) {
      merge.left += options.first_id;
      merge.right += options.first_id;
      merge.result += options.first_id;
    }
    return {std::move(tokens_), std::move(merges_)};
  }

 private:
  static constexpr Pair kNone = std::numeric_limits<Pair>::max();

  void start_alphabet() {
    for (const int16_t byte : kByteAlphabet.byte_of) {
      if (byte < 0) continue;
      place_of_byte_[static_cast<size_t>(byte)] = static_cast<int32_t>(tokens_.size());
      tokens_.emplace_back(1, static_cast<char>(static_cast<uint8_t>(byte)));
      place_of_.emplace(tokens_.back(), place_of_byte_[static_cast<size_t>(byte)]);
    }
  }

  void add(Pair pair, uint32_t piece) {
    PairFacts& facts = pairs_[pair];
    facts.count += pieces_[piece].count;
    if (facts.pieces.empty() || facts.pieces.back() != piece) facts.pieces.push_back(piece);
  }

  // Counts only fall once a pair is in the heap, so a stale candidate is put back with its count of today.
  Pair take_most_frequent(int64_t min_frequency) {
    while (!heap_.empty()) {
      const Candidate top = heap_.top();
      heap_.pop();
      const int64_t count = pairs_[top.pair].count;
      if (count < min_frequency || count == 0) continue;
      if (count == top.count) return top.pair;
      heap_.push({count, top.pair});
    }
    return kNone;
  }

  void merge(Pair pair) {
    const auto left = static_cast<int32_t>(pair >> 32);
    const auto right = static_cast<int32_t>(pair & 0xFFFFFFFFu);
    std::string bytes = tokens_[left] + tokens_[right];
    // Two ways of merging may spell the same token.
    const auto [known, added] = place_of_.try_emplace(bytes, static_cast<int32_t>(tokens_.size()));
    if (added) tokens_.push_back(std::move(bytes));
    const Merge merge{left, right, known->second};
    // A token spelled in a second way may meet its old neighbours again: a pair that has its rank already.
    if (merged_.insert(pair).second) merges_.push_back(merge);
    const PairFacts facts = std::move(pairs_[pair]);
    pairs_.erase(pair);
    std::vector<Pair> risen;
    for (const uint32_t piece : facts.pieces) merge_in(piece, merge, risen);
    std::sort(risen.begin(), risen.end());
    risen.erase(std::unique(risen.begin(), risen.end()), risen.end());
    for (const Pair other : risen) heap_.push({pairs_[other].count, other});
  }

  void merge_in(uint32_t index, const Merge& merge, std::vector<Pair>& risen) {
    Piece& piece = pieces_[index];
    std::vector<int32_t>& tokens = piece.tokens;
    const auto lower = [&](int32_t a, int32_t b) {
      const auto facts = pairs_.find(pair_of(a, b));
      if (facts != pairs_.end()) facts->second.count -= piece.count;
    };
    const auto raise = [&](int32_t a, int32_t b) {
      add(pair_of(a, b), index);
      risen.push_back(pair_of(a, b));
    };
    size_t kept = 0;
    for (size_t i = 0; i < tokens.size(); ++kept) {
      const bool here = i + 1 < tokens.size() && tokens[i] == merge.left && tokens[i + 1] == merge.right;
      if (!here) {
        tokens[kept] = tokens[i++];
        continue;
      }
      if (kept > 0) {
        lower(tokens[kept - 1], merge.left);
        raise(tokens[kept - 1], merge.result);
      }
      if (i + 2 < tokens.size()) {
        lower(merge.right, tokens[i + 2]);
        raise(merge.result, tokens[i + 2]);
      }
      tokens[kept] = merge.result;
      i += 2;
    }
    tokens.resize(kept);
  }

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int32_t> place_of_;
  std::array<int32_t, 256> place_of_byte_{};
  std::vector<Merge> merges_;
  std::unordered_set<Pair> merged_;
  std::vector<Piece> pieces_;
  std::unordered_map<Pair, PairFacts> pairs_;
  std::priority_queue<Candidate> heap_;
};

}  // namespace

void BpeTrainer::add(std::string_view text) {
  PreTokenizer pieces(text);
  for (std::string_view piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
    ++counts_[std::string(piece)];
  }
}

Result<TrainedBpe> BpeTrainer::train(const BpeTrainingOptions& options) const {
  constexpr int64_t kMost = int64_t{1} << 22;  // reliability.md 3
  if (options.vocab_size < 256 || options.vocab_size > kMost) {
    return Status(StatusCode::kInvalidArgument,
                  concat("vocab_size: expected 256 to ", kMost, " base tokens, found ", options.vocab_size));
  }
  if (options.min_frequency < 1) {
    return Status(StatusCode::kInvalidArgument,
                  concat("min_frequency: expected at least 1, found ", options.min_frequency));
  }
  return Training(counts_).run(options);
}

}  // namespace fathom
