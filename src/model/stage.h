// SPDX-License-Identifier: MIT
// The stages of a step, for those who ask where its bytes go.
#pragma once

#include <cstdint>

namespace fathom {

enum class Stage : uint8_t {
  kOther,             // embedding, angles, bookkeeping
  kHyperConnections,  // mixing, collapse and expansion of the streams, norms (architecture.md 2)
  kProjections,       // of attention, compressor and indexer (architecture.md 3 to 5)
  kRows,              // norms, rotations and round trips between the projections
  kIndexScan,         // index scores and choice
  kAttention,         // compressed entries, softmax and sums
  kRouter,            // (architecture.md 6)
  kExperts,           // routed and shared experts
  kHead,
};
inline constexpr int kStageCount = 9;

}  // namespace fathom
