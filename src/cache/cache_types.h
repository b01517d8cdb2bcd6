// SPDX-License-Identifier: MIT
// What goes into the prefix cache and what it tells: whose tokens, which model, hits, counts (design.md 12).
// Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "io/digest.h"

namespace fathom {

// Everything that decides the bits of a state besides its tokens. A segment of another identity is a miss.
struct CacheIdentity {
  Digest fingerprint{};      // of the model: config, tokenizer, weights
  std::string numerics;      // tier, ranks, rounding, revision: any text of the engine's
  bool draft_layer = false;  // whether it runs; states of the other sort are neither kept nor given
};

// Whose prompts. Quotas count by account; only the same salt finds the same segments.
struct CacheTenant {
  Digest account{};
  Digest salt{};
};

// The tenant of a key: HMACs with the server's secret, so names of files tell nothing about keys. A client's
// own salt narrows what is found; it cannot widen it (reliability.md C-10).
CacheTenant cache_tenant(std::string_view server_secret, std::string_view key_id,
                         std::string_view client_salt = {});

enum class CacheTier : uint8_t { kNone, kRam, kDisk };

// The outcome of a look-up. 0 tokens and kNone: a miss. kDisk when any segment came from a file.
struct CacheHit {
  int64_t tokens = 0;
  CacheTier tier = CacheTier::kNone;
};

// Why something was not served, kept or written. Nothing of this ever reaches an answer.
enum class CacheError : uint8_t {
  kCorrupt,      // a file contradicts itself or its name: removed
  kUnusable,     // loaded, but the state refused it: dropped
  kGone,         // another process removed the file
  kRead,         // the system refused a read; the file is kept
  kWrite,        // the system refused a write, a full disk included
  kSync,         // fsync failed; the file was thrown away
  kRemove,       // the system refused to remove a file
  kQueueFull,    // the disk is slower than the engine: not written
  kTooLarge,     // larger than the tier or the tenant's share
  kOutOfMemory,  // no memory for a segment
};
inline constexpr int kCacheErrorCount = 10;

struct CacheStats {
  int64_t hits = 0;
  int64_t misses = 0;
  int64_t hit_tokens = 0;
  int64_t stored = 0;   // segments taken
  int64_t written = 0;  // segments that will outlive a power loss
  int64_t ram_evictions = 0;
  int64_t disk_evictions = 0;
  int64_t ram_bytes = 0;
  int64_t disk_bytes = 0;  // files, those being written included
  int64_t ram_segments = 0;
  int64_t disk_segments = 0;
  int64_t foreign_files = 0;  // of another model, tier or version: never served, evicted first
  bool disk_on = false;       // false: not configured, or off until the disk takes writes again
  std::array<int64_t, kCacheErrorCount> errors{};

  int64_t count(CacheError error) const noexcept { return errors[static_cast<size_t>(error)]; }
};

}  // namespace fathom
