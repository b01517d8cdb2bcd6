// SPDX-License-Identifier: MIT
// BorderFinder: where a prefill should stop so that its state can be stored (design.md 12). Remembers the
// blocks of recent prompts to see where the next one parts from them. Owned by PrefixCache; engine thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "cache/prefix_keys.h"
#include "config/model_config.h"

namespace fathom {

// A: the least common multiple of the compress ratios, taken often enough to make blocks worth a digest. A
// config whose multiple is out of hand gets its largest ratio: tails are larger then, nothing else.
int64_t border_tokens(const ModelConfig& config) noexcept;

class BorderFinder {
 public:
  // Positions above `from` and below the prompt's end, ascending. Remembers the prompt.
  std::vector<int64_t> borders(const PrefixKeys& keys, int64_t from, std::span<const int64_t> ends);

 private:
  // Tokens that the prompt has in common with an earlier one, in whole blocks.
  int64_t shared_tokens(const PrefixKeys& keys) const;
  void remember(const PrefixKeys& keys);

  // First 8 bytes of block keys; the older half is forgotten when the younger is full.
  std::array<std::unordered_set<uint64_t>, 2> seen_;
};

}  // namespace fathom
