// SPDX-License-Identifier: MIT
// SequenceState: everything that one sequence has accumulated, as one object (design.md 5).
//
// Invariants: entry i of a layer exists iff position >= m * (i + 1); the ring rows of the last capacity
// positions are valid; the draft layer, where it runs, has seen rows 0 ... position - 2 and draft_streams
// holds the streams of position - 1. Only the model's forward appends. Owned by the request; engine thread
// and its pool.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "config/model_config.h"
#include "state/row_ring.h"
#include "state/row_store.h"

namespace fathom {

// Raw rows of the blocks a compressor has not finished: the last 2m positions with overlap, else the last m.
struct CompressorState {
  int ratio = 0;     // m
  RowRing c;         // [w] C rows, f32
  RowRing z;         // [w] Z rows, f32, position bias already added
  RowStore entries;  // [c] compressed rows, or index keys [c_I]
};

struct LayerState {
  RowRing window;                             // [c] key-value rows of the last sliding_window positions
  std::optional<CompressorState> compressor;  // CSA, HCA
  std::optional<CompressorState> indexer;     // CSA
};

// How key-value rows, entries and index keys are kept. Packing is exact for rows that went through their
// round trips (Rounding::kAsDeployed) and only for those.
enum class RowPrecision : uint8_t {
  kF32,
  kPacked,  // e4m3 and f32 rotated channels; index keys e2m1
};

class SequenceState {
 public:
  // An empty sequence with room for `tokens` tokens reserved. kResourceExhausted without memory.
  static Result<SequenceState> create(const ModelConfig& config, int64_t tokens,
                                      RowPrecision precision = RowPrecision::kF32);

  int64_t position() const noexcept { return static_cast<int64_t>(tokens_.size()); }
  std::span<const int32_t> tokens() const noexcept { return tokens_; }

  RowPrecision precision() const noexcept { return precision_; }

  // Takes memory so that the sequence can grow to `tokens` tokens without allocating.
  Status reserve(int64_t tokens);
  // Back to the empty sequence; memory is kept.
  void clear() noexcept;
  // Bytes of memory held.
  int64_t bytes() const noexcept;

  // For forward only: appends tokens that have gone through every layer; needs room reserved.
  void advance(std::span<const int32_t> tokens) noexcept;
  LayerState& layer(int index) noexcept { return layers_[index]; }
  // The draft layer (architecture.md 7); only where the config has one.
  LayerState& draft_layer() noexcept { return *draft_layer_; }
  // Streams [n * D] of position - 1 before the head: input of the next draft row. Valid once position > 0.
  std::span<float> draft_streams() noexcept { return draft_streams_; }
  // Rows the draft layer has seen; it must run at every step or at none.
  int64_t draft_rows() const noexcept { return draft_rows_; }
  void set_draft_rows(int64_t rows) noexcept { draft_rows_ = rows; }

 private:
  RowPrecision precision_ = RowPrecision::kF32;
  std::vector<int32_t> tokens_;
  std::vector<LayerState> layers_;
  std::optional<LayerState> draft_layer_;
  std::vector<float> draft_streams_;
  int64_t draft_rows_ = 0;
};

}  // namespace fathom
