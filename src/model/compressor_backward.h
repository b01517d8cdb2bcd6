// SPDX-License-Identifier: MIT
// Backward of the compressors (architecture.md 4; training.md 3): a softmax per channel over 2m or m rows;
// rows of block i reach entry i + 1 with their C^a and entry i with their C^b.
//
// For spans that began from empty states: every row an entry pools lies in this batch.
#pragma once

#include "model/backward_step.h"
#include "model/compressor.h"
#include "model/gradients.h"

namespace fathom {

// Whether the sublayer's input gets a gradient; the indexer's does not (training.md 2).
enum class InputGradient : uint8_t { kWanted, kDetached };

// One compressor of a layer with what its forward left.
struct CompressorPass {
  const LayerConfig& layer;
  EntryKind kind;
  const CompressorWeights& w;
  const CompressorActivations& acts;
  InputGradient input;
};

// Gives each span its rows of the stacked entries, in b.scratch.entries; returns their number.
int64_t place_entries(BackwardStep& b, const LayerConfig& layer) noexcept;

// d_entries [E, dim] by the entries as attention or indexer read them; overwritten. Adds to scratch.d_x when
// wanted.
void compressor_backward(BackwardStep& b, const CompressorPass& pass, MatView<float> d_entries,
                         CompressorGradients& d_w) noexcept;

}  // namespace fathom
