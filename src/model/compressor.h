// SPDX-License-Identifier: MIT
// Compressors: every m tokens become one entry (architecture.md 4). CSA overlaps two blocks, HCA does not;
// the indexer's keys are made the same way (architecture.md 5).
//
// Invariant: after the call, entry i of every span's state exists iff its last position >= m (i + 1) - 1.
#pragma once

#include <cstdint>

#include "model/step.h"
#include "weights/model_weights.h"

namespace fathom {

// Which compressor of a layer, and so which state and which round trip.
enum class EntryKind : uint8_t { kKeyValue, kIndexKey };

// Adds the position bias to Z of one row: z [w] += ape[position mod m].
void add_position_bias(const CompressorWeights& w, int64_t position, std::span<float> z) noexcept;

// Closes the blocks that end within this step's spans, appending their entries, then keeps the raw rows that
// later blocks need. acts: C and Z (bias added) of this step's rows. Entries must have been reserved in the
// states.
void compressor_forward(StepContext& step, const LayerConfig& layer, const CompressorWeights& w,
                        EntryKind kind, const CompressorActivations& acts) noexcept;

}  // namespace fathom
