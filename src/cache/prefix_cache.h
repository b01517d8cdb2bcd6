// SPDX-License-Identifier: MIT
// PrefixCache: states of prompts seen before, in RAM and on disk (design.md 12).
//
// A segment holds entries and index keys of tokens [first, last) and the resume tail at `last`; a stored
// prefix is a chain of segments from token 0. Any doubt is a miss: a restored state has the very bytes that
// the tokens would have given. Owned by the engine; engine thread only. Files are touched by its own thread
// alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cache/cache_types.h"
#include "config/model_config.h"
#include "io/io_env.h"
#include "state/sequence_state.h"

namespace fathom {

struct PrefixCacheOptions {
  int64_t ram_bytes = 0;  // 0: nothing is kept in RAM
  std::string disk_dir;   // created when absent, mode 0700; empty: no disk tier
  int64_t disk_bytes = 0;
  double tenant_share = 0.25;  // of either budget, (0, 1]; 1 where there is one tenant
  IoEnv* io_env = &system_io();
  const Clock* clock = &steady_clock();
};

class PrefixCache {
 public:
  // Reads the headers of the directory's files. kInvalidArgument for bad options; a directory that cannot be
  // used only leaves the disk tier off (stats().disk_on).
  static Result<std::unique_ptr<PrefixCache>> create(const PrefixCacheOptions& options,
                                                     const ModelConfig& config,
                                                     const CacheIdentity& identity);
  // Finishes the writes that are queued.
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  // Makes `state` the longest stored prefix of `tokens`; empty on a miss. Pass the prompt without its last
  // token, whose logits are wanted. Whatever the state held is gone; room for `tokens` is reserved, which is
  // the only failure: kResourceExhausted.
  Result<CacheHit> restore(const CacheTenant& tenant, std::span<const int32_t> tokens, SequenceState& state);

  // Keeps the state as a prefix that ends at its position, whatever that is; cheapest at multiples of
  // border_tokens(). Copies what is new since the longest stored prefix; writing to disk happens later.
  void store(const CacheTenant& tenant, const SequenceState& state);

  // Positions above `from` and below the prompt's end at which its prefill should stop for a store,
  // ascending: the ends in `ends` (system prompt, tool list, messages; the codec marks them) and of the
  // prompt, rounded down to border_tokens(), and the point where this prompt parted from an earlier one of
  // the tenant. Ends of answers need no cut: the state stands there anyway.
  std::vector<int64_t> borders(const CacheTenant& tenant, std::span<const int32_t> prompt, int64_t from,
                               std::span<const int64_t> ends);

  // A: a multiple of all compress ratios, where resume tails are smallest.
  int64_t border_tokens() const noexcept;

  // Includes everything the cache thread has finished.
  CacheStats stats();
  // Waits for all queued file work. For tests, commands and shutdown.
  void flush();

 private:
  class Parts;
  explicit PrefixCache(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace fathom
