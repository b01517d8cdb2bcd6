// SPDX-License-Identifier: MIT
// EngineStats: what the engine counts about itself, for /metrics and /health (api.md 10). Plain values,
// copied out by Engine::stats.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "cache/cache_types.h"

namespace fathom {

// Counts of durations by upper bound, as Prometheus wants them (not cumulative here).
struct DurationHistogram {
  // Seconds; a last bucket takes what is longer.
  static constexpr std::array<double, 18> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                     1,     2.5,    5,     10,   25,    50,   100, 250,  600};

  std::array<uint64_t, kBounds.size() + 1> counts{};
  double sum_seconds = 0.0;
  uint64_t count = 0;

  void add(double seconds) noexcept {
    const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
    ++counts[static_cast<size_t>(bucket)];
    sum_seconds += seconds;
    ++count;
  }
};

struct EngineStats {
  // Requests by how they ended; each is counted once.
  uint64_t finished_stop = 0;  // at least one choice stopped by itself
  uint64_t finished_length = 0;
  uint64_t finished_aborted = 0;
  uint64_t cancelled = 0;
  uint64_t failed = 0;    // deadline, queue timeout, error
  uint64_t rejected = 0;  // refused by submit

  int64_t running = 0;
  int64_t waiting = 0;

  // Sums of the usages, partial ones of cancelled requests included.
  uint64_t prompt_tokens = 0;
  uint64_t generated_tokens = 0;
  uint64_t cached_prompt_tokens = 0;
  uint64_t draft_tokens = 0;
  uint64_t draft_accepted = 0;

  DurationHistogram queue;
  DurationHistogram prefill;
  DurationHistogram time_to_first_token;
  DurationHistogram inter_token;
  DurationHistogram request;
  DurationHistogram step;

  CacheStats cache;

  int64_t state_bytes = 0;         // reserved in the ledger by running requests
  int64_t state_budget_bytes = 0;  // the ledger's size
  uint64_t nonfinite_logits = 0;   // choices aborted for it
  bool weights_intact = true;      // false once a mapped file of the model could not be read
};

}  // namespace fathom
