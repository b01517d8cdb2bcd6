// SPDX-License-Identifier: MIT
// SequenceState: everything that one sequence has accumulated, as one object (design.md 5).
//
// Invariants: entry i of a layer exists iff position >= m * (i + 1); rings hold the rows that the next token
// needs, and those that it would need after trim to any position from undo_floor() on; the draft layer, where
// it runs, has rows 0 ... position - 2 and the streams of position - 1. Only the model's forward appends.
// Owned by the request; engine thread and its pool.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/byte_sink.h"
#include "base/status.h"
#include "config/model_config.h"
#include "state/row_ring.h"
#include "state/row_store.h"

namespace fathom {

// Positions by which a state can be cut back at once (S): rejected drafts, at most 7 of them.
inline constexpr int kUndoTokens = 8;

// Raw rows of the blocks a compressor has not finished: the last 2m + S positions with overlap, else m + S.
struct CompressorState {
  int ratio = 0;  // m
  bool overlap = false;
  RowRing c;         // [w] C rows, f32
  RowRing z;         // [w] Z rows, f32, position bias already added
  RowStore entries;  // [c] compressed rows, or index keys [c_I]
};

struct LayerState {
  RowRing window;                             // [c] key-value rows of the last sliding_window + S positions
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
  // bytes() of a state created so, 0 <= tokens <= 2^30: what a sequence is admitted with.
  static int64_t bytes_for(const ModelConfig& config, int64_t tokens, RowPrecision precision) noexcept;

  int64_t position() const noexcept { return static_cast<int64_t>(tokens_.size()); }
  std::span<const int32_t> tokens() const noexcept { return tokens_; }

  RowPrecision precision() const noexcept { return precision_; }

  // Takes memory so that the sequence can grow to `tokens` tokens without allocating.
  Status reserve(int64_t tokens);
  // Back to the empty sequence. Memory is kept, but for pages that a fork still uses: reserve again after
  // one.
  void clear() noexcept;
  // Bytes of memory held; a page shared with a fork counts in both.
  int64_t bytes() const noexcept;

  // Writes everything that later tokens depend on: two states of one config and precision continue alike iff
  // these bytes are equal. Undo rows are not among them. Fails only as the sink does.
  Status save(ByteSink& sink) const;
  // Makes this state the saved one. kInvalidArgument for a state of another config or precision, kCorrupt for
  // bytes that save did not write, kResourceExhausted without memory; the state is empty then.
  Status restore(std::span<const std::byte> saved);
  // A second state that continues on its own, with room for `tokens` tokens. Full pages are shared until one
  // of the two writes them.
  Result<SequenceState> fork(int64_t tokens) const;
  // Back to the first `tokens` tokens. kOutOfRange below undo_floor() or above position(): restore an earlier
  // state and replay. The undone tokens' room stays reserved. kResourceExhausted without memory for a page
  // that a fork shares; the state is unchanged by any failure.
  Status trim(int64_t tokens);
  // Lowest position that trim reaches: S below the highest position there has been, not below the one that
  // was restored.
  int64_t undo_floor() const noexcept { return undo_floor_; }

  // For forward only: appends tokens that have gone through every layer; needs room reserved.
  void advance(std::span<const int32_t> tokens) noexcept;
  LayerState& layer(int index) noexcept { return layers_[index]; }
  const LayerState& layer(int index) const noexcept { return layers_[index]; }
  int layer_count() const noexcept { return static_cast<int>(layers_.size()); }
  // The draft layer (architecture.md 7); only where the config has one.
  bool has_draft_layer() const noexcept { return draft_layer_.has_value(); }
  LayerState& draft_layer() noexcept { return *draft_layer_; }
  const LayerState& draft_layer() const noexcept { return *draft_layer_; }
  // Streams [n * D] of a position before the head: input of the draft row there. Held for the last S + 1
  // positions.
  RowRing& draft_streams() noexcept { return draft_streams_; }
  const RowRing& draft_streams() const noexcept { return draft_streams_; }
  // Tokens whose streams the draft layer was given: position() where it runs, else 0. It has one row less.
  int64_t draft_tokens() const noexcept { return draft_tokens_; }
  void set_draft_tokens(int64_t tokens) noexcept { draft_tokens_ = tokens; }

 private:
  friend class SnapshotReader;

  RowPrecision precision_ = RowPrecision::kF32;
  int64_t undo_floor_ = 0;
  int64_t draft_tokens_ = 0;
  std::vector<int32_t> tokens_;
  std::vector<LayerState> layers_;
  std::optional<LayerState> draft_layer_;
  RowRing draft_streams_;
};

}  // namespace fathom
