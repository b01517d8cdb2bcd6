// SPDX-License-Identifier: MIT
#include "state/sequence_state.h"

#include <algorithm>

#include "base/check.h"
#include "base/concat.h"

namespace fathom {
namespace {

RowFormat kv_format(const ModelConfig& config, RowPrecision precision) {
  RowFormat format{.dim = config.head_dim};
  if (precision == RowPrecision::kPacked) {
    format.encoding = RowEncoding::kFp8;
    format.nope = config.nope_dim();
  }
  return format;
}

RowFormat index_key_format(const ModelConfig& config, RowPrecision precision) {
  return {.encoding = precision == RowPrecision::kPacked ? RowEncoding::kFp4 : RowEncoding::kF32,
          .dim = config.index_head_dim};
}

int64_t window_ring_rows(const ModelConfig& config) noexcept {
  return int64_t{config.sliding_window} + kUndoTokens;
}

int64_t raw_ring_rows(const LayerConfig& layer) noexcept {
  return (layer.overlap() ? 2 : 1) * int64_t{layer.compress_ratio} + kUndoTokens;
}

int64_t stream_floats(const ModelConfig& config) noexcept {
  return int64_t{config.hc_mult} * config.hidden_size;
}

Result<CompressorState> create_compressor(const LayerConfig& layer, const RowFormat& entries) {
  CompressorState state;
  state.ratio = layer.compress_ratio;
  state.overlap = layer.overlap();
  const int width = layer.compressor_width(static_cast<int>(entries.dim));
  FATHOM_ASSIGN_OR_RETURN(state.c, RowRing::create(raw_ring_rows(layer), width));
  FATHOM_ASSIGN_OR_RETURN(state.z, RowRing::create(raw_ring_rows(layer), width));
  state.entries = RowStore(entries);
  return state;
}

Result<LayerState> create_layer(const ModelConfig& config, const LayerConfig& layer, RowPrecision precision) {
  LayerState state;
  const RowFormat kv = kv_format(config, precision);
  FATHOM_ASSIGN_OR_RETURN(state.window, RowRing::create(window_ring_rows(config), kv));
  if (layer.compressed()) {
    FATHOM_ASSIGN_OR_RETURN(state.compressor, create_compressor(layer, kv));
  }
  if (layer.kind == LayerKind::kCsa) {
    FATHOM_ASSIGN_OR_RETURN(state.indexer, create_compressor(layer, index_key_format(config, precision)));
  }
  return state;
}

Status reserve_entries(std::optional<CompressorState>& state, int64_t tokens) {
  return state ? state->entries.reserve(tokens / state->ratio) : Status();
}

Status own_entries(std::optional<CompressorState>& state, int64_t tokens) {
  return state ? state->entries.own_pages_from(tokens / state->ratio) : Status();
}

void cut_entries(std::optional<CompressorState>& state, int64_t tokens) noexcept {
  if (state) state->entries.cut(tokens / state->ratio);
}

int64_t compressor_bytes(const std::optional<CompressorState>& state) noexcept {
  return state ? state->c.size_bytes() + state->z.size_bytes() + state->entries.reserved_bytes() : 0;
}

int64_t layer_bytes(const LayerState& layer) noexcept {
  return layer.window.size_bytes() + compressor_bytes(layer.compressor) + compressor_bytes(layer.indexer);
}

int64_t planned_compressor_bytes(const LayerConfig& layer, const RowFormat& entries,
                                 int64_t tokens) noexcept {
  const int64_t width = layer.compressor_width(static_cast<int>(entries.dim));
  const int64_t pages = (tokens / layer.compress_ratio + RowStore::kPageRows - 1) / RowStore::kPageRows;
  return 2 * raw_ring_rows(layer) * width * int64_t{sizeof(float)} +
         pages * RowStore::kPageRows * entries.row_bytes();
}

Result<std::optional<CompressorState>> fork_compressor(const std::optional<CompressorState>& state) {
  if (!state) return std::optional<CompressorState>();
  CompressorState copy;
  copy.ratio = state->ratio;
  copy.overlap = state->overlap;
  FATHOM_ASSIGN_OR_RETURN(copy.c, state->c.clone());
  FATHOM_ASSIGN_OR_RETURN(copy.z, state->z.clone());
  FATHOM_ASSIGN_OR_RETURN(copy.entries, state->entries.fork());
  return std::optional<CompressorState>(std::move(copy));
}

Result<LayerState> fork_layer(const LayerState& layer) {
  LayerState copy;
  FATHOM_ASSIGN_OR_RETURN(copy.window, layer.window.clone());
  FATHOM_ASSIGN_OR_RETURN(copy.compressor, fork_compressor(layer.compressor));
  FATHOM_ASSIGN_OR_RETURN(copy.indexer, fork_compressor(layer.indexer));
  return copy;
}

}  // namespace

Result<SequenceState> SequenceState::create(const ModelConfig& config, int64_t tokens,
                                            RowPrecision precision) {
  SequenceState state;
  state.precision_ = precision;
  for (const LayerConfig& layer : config.layers) {
    FATHOM_ASSIGN_OR_RETURN(auto layer_state, create_layer(config, layer, precision));
    state.layers_.push_back(std::move(layer_state));
  }
  if (config.num_nextn_predict_layers > 0) {
    FATHOM_ASSIGN_OR_RETURN(state.draft_layer_, create_layer(config, config.mtp_layer, precision));
    FATHOM_ASSIGN_OR_RETURN(state.draft_streams_, RowRing::create(kUndoTokens + 1, stream_floats(config)));
  }
  FATHOM_RETURN_IF_ERROR(state.reserve(tokens));
  return state;
}

int64_t SequenceState::bytes_for(const ModelConfig& config, int64_t tokens, RowPrecision precision) noexcept {
  const RowFormat kv = kv_format(config, precision);
  const int64_t window = window_ring_rows(config) * kv.row_bytes();
  int64_t total = tokens * int64_t{sizeof(int32_t)};
  for (const LayerConfig& layer : config.layers) {
    total += window;
    if (layer.compressed()) total += planned_compressor_bytes(layer, kv, tokens);
    if (layer.kind == LayerKind::kCsa) {
      total += planned_compressor_bytes(layer, index_key_format(config, precision), tokens);
    }
  }
  if (config.num_nextn_predict_layers == 0) return total;
  return total + window + (kUndoTokens + 1) * stream_floats(config) * int64_t{sizeof(float)};
}

Status SequenceState::reserve(int64_t tokens) {
  tokens_.reserve(static_cast<size_t>(tokens));
  for (LayerState& layer : layers_) {
    FATHOM_RETURN_IF_ERROR(reserve_entries(layer.compressor, tokens));
    FATHOM_RETURN_IF_ERROR(reserve_entries(layer.indexer, tokens));
  }
  return Status();
}

void SequenceState::clear() noexcept {
  tokens_.clear();
  draft_tokens_ = 0;
  undo_floor_ = 0;
  for (LayerState& layer : layers_) {
    if (layer.compressor) layer.compressor->entries.clear();
    if (layer.indexer) layer.indexer->entries.clear();
  }
}

int64_t SequenceState::bytes() const noexcept {
  auto total = static_cast<int64_t>(tokens_.capacity() * sizeof(int32_t));
  for (const LayerState& layer : layers_) total += layer_bytes(layer);
  if (draft_layer_) total += layer_bytes(*draft_layer_) + draft_streams_.size_bytes();
  return total;
}

Result<SequenceState> SequenceState::fork(int64_t tokens) const {
  SequenceState copy;
  copy.precision_ = precision_;
  copy.undo_floor_ = undo_floor_;
  copy.draft_tokens_ = draft_tokens_;
  copy.tokens_.reserve(static_cast<size_t>(std::max(tokens, position())));
  copy.tokens_ = tokens_;
  for (const LayerState& layer : layers_) {
    FATHOM_ASSIGN_OR_RETURN(auto layer_copy, fork_layer(layer));
    copy.layers_.push_back(std::move(layer_copy));
  }
  if (draft_layer_) {
    FATHOM_ASSIGN_OR_RETURN(copy.draft_layer_, fork_layer(*draft_layer_));
    FATHOM_ASSIGN_OR_RETURN(copy.draft_streams_, draft_streams_.clone());
  }
  FATHOM_RETURN_IF_ERROR(copy.reserve(std::max(tokens, position())));
  return copy;
}

Status SequenceState::trim(int64_t tokens) {
  if (tokens < undo_floor_ || tokens > position()) {
    return Status(StatusCode::kOutOfRange, concat("state: trim: expected a position from ", undo_floor_,
                                                  " to ", position(), ", found ", tokens));
  }
  // First all that can fail, so that a failure changes nothing.
  for (LayerState& layer : layers_) {
    FATHOM_RETURN_IF_ERROR(own_entries(layer.compressor, tokens));
    FATHOM_RETURN_IF_ERROR(own_entries(layer.indexer, tokens));
  }
  for (LayerState& layer : layers_) {
    cut_entries(layer.compressor, tokens);
    cut_entries(layer.indexer, tokens);
  }
  tokens_.resize(static_cast<size_t>(tokens));
  draft_tokens_ = std::min(draft_tokens_, tokens);
  return Status();
}

void SequenceState::advance(std::span<const int32_t> tokens) noexcept {
  FATHOM_CHECK(tokens_.size() + tokens.size() <= tokens_.capacity());
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  undo_floor_ = std::max(undo_floor_, position() - kUndoTokens);
}

}  // namespace fathom
