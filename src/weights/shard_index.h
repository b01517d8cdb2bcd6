// SPDX-License-Identifier: MIT
// model.safetensors.index.json: which shard holds which tensor (reliability.md F-2).
//
// Invariant: every file name is a plain name (no path), every tensor is listed once. A value; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"

namespace fathom {

// 145,116 tensors take 12 MB.
inline constexpr int64_t kMaxShardIndexBytes = 100'000'000;

struct ShardIndex {
  std::vector<std::string> files;                      // in order of first mention
  std::unordered_map<std::string, uint32_t> shard_of;  // tensor name -> place in `files`
};

// kCorrupt "weight_map...: expected X, found Y", kInvalidArgument for a file name that is a path.
Result<ShardIndex> parse_shard_index(std::string_view text);

}  // namespace fathom
