// SPDX-License-Identifier: MIT
// Keys of prefixes: a chain of SHA-256 over everything that decides a state's bits (design.md 12).
//
//   key(0)      = SHA-256("fathom prefix 1" fingerprint SHA-256(numerics) draft salt)
//   key(A q)    = SHA-256(key(A (q - 1)) tokens of the block)
//   key(A q+r)  = SHA-256(key(A q) r tokens), 0 < r < A
//
// A key depends on the tokens alone, not on how they were cut into segments. Values; engine thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cache/cache_types.h"

namespace fathom {

// The key of the empty prefix.
Digest root_key(const CacheIdentity& identity, const CacheTenant& tenant);

// The keys of all prefixes of one sequence. The tokens must outlive it.
class PrefixKeys {
 public:
  PrefixKeys(const Digest& root, int64_t block_tokens, std::span<const int32_t> tokens);

  std::span<const int32_t> tokens() const noexcept { return tokens_; }
  int64_t block_tokens() const noexcept { return block_tokens_; }
  int64_t full_blocks() const noexcept { return static_cast<int64_t>(blocks_.size()) - 1; }
  // Key of the first `block` blocks, 0 <= block <= full_blocks().
  const Digest& block_key(int64_t block) const noexcept { return blocks_[static_cast<size_t>(block)]; }
  // Key of the first `position` tokens.
  Digest at(int64_t position) const;

 private:
  std::span<const int32_t> tokens_;
  int64_t block_tokens_;
  std::vector<Digest> blocks_;
};

}  // namespace fathom
