// SPDX-License-Identifier: MIT
// Training a byte-level BPE vocabulary (Sennrich et al. 2016) over DeepSeek's pieces (chat.md 1): the most
// frequent pair of neighbours becomes a token, until the vocabulary is full.
//
// The result is a function of how often each piece occurs, not of the order of the text: of equally frequent
// pairs the one with the lower ids is taken. One thread; memory grows with the number of distinct pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "text/long_merge.h"

namespace fathom {

// Base vocabulary and merges, ids from `first_id` on: the 256 bytes in the order of their characters in the
// byte-level alphabet, then the merges' results.
struct TrainedBpe {
  std::vector<std::string> tokens;  // bytes of id first_id + i
  std::vector<Merge> merges;        // in the order of their ranks
};

struct BpeTrainingOptions {
  int64_t vocab_size = 0;     // base tokens, the 256 bytes included
  int64_t min_frequency = 2;  // of a pair that is merged
  int32_t first_id = 0;       // ids below are the added tokens in front
};

class BpeTrainer {
 public:
  // Counts the pieces of `text`, which must be well-formed UTF-8.
  void add(std::string_view text);
  int64_t piece_count() const noexcept { return static_cast<int64_t>(counts_.size()); }

  // Fewer tokens than asked for when no pair is frequent enough. kInvalidArgument for options out of range.
  Result<TrainedBpe> train(const BpeTrainingOptions& options) const;

 private:
  std::unordered_map<std::string, int64_t> counts_;
};

}  // namespace fathom
