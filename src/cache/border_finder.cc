// SPDX-License-Identifier: MIT
#include "cache/border_finder.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>

namespace fathom {
namespace {

// Below this a block's digest costs more than what it saves.
constexpr int64_t kMinBlockTokens = 32;
constexpr int64_t kMaxBlockTokens = 4096;
// The default prefill chunk: a longer segment would lose more when it is lost.
constexpr int64_t kSegmentTokens = 2048;
// 4 MB of remembered blocks at most.
constexpr size_t kSeenBlocks = size_t{1} << 16;

uint64_t short_key(const Digest& key) noexcept {
  uint64_t out = 0;
  std::memcpy(&out, key.data(), sizeof out);
  return out;
}

}  // namespace

int64_t border_tokens(const ModelConfig& config) noexcept {
  int64_t multiple = 1;
  int64_t largest = 1;
  for (const LayerConfig& layer : config.layers) {
    if (!layer.compressed()) continue;
    largest = std::max<int64_t>(largest, layer.compress_ratio);
    if (multiple <= kMaxBlockTokens) multiple = std::lcm(multiple, int64_t{layer.compress_ratio});
  }
  if (multiple > kMaxBlockTokens) multiple = largest;
  return (kMinBlockTokens + multiple - 1) / multiple * multiple;
}

int64_t BorderFinder::shared_tokens(const PrefixKeys& keys) const {
  int64_t block = 0;
  for (; block < keys.full_blocks(); ++block) {
    const uint64_t key = short_key(keys.block_key(block + 1));
    if (!seen_[0].contains(key) && !seen_[1].contains(key)) break;
  }
  return block * keys.block_tokens();
}

void BorderFinder::remember(const PrefixKeys& keys) {
  for (int64_t block = 1; block <= keys.full_blocks(); ++block) {
    if (seen_[0].size() >= kSeenBlocks) {
      seen_[1] = std::move(seen_[0]);
      seen_[0].clear();
    }
    seen_[0].insert(short_key(keys.block_key(block)));
  }
}

std::vector<int64_t> BorderFinder::borders(const PrefixKeys& keys, int64_t from,
                                           std::span<const int64_t> ends) {
  const int64_t block = keys.block_tokens();
  const auto end = static_cast<int64_t>(keys.tokens().size());
  std::set<int64_t> found;
  const auto add = [&](int64_t position) {
    const int64_t border = position / block * block;
    if (border > from && border < end) found.insert(border);
  };
  for (const int64_t position : ends) add(position);
  const int64_t step = std::max(block, kSegmentTokens / block * block);
  for (int64_t position = from / step * step + step; position < end; position += step) add(position);
  // The last token is always fed again: a border at the very end would be of no use to the same prompt.
  if (end > 0) add(end - 1);
  add(shared_tokens(keys));
  remember(keys);
  return {found.begin(), found.end()};
}

}  // namespace fathom
