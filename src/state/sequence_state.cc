// SPDX-License-Identifier: MIT
#include "state/sequence_state.h"

#include "base/check.h"

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

Result<CompressorState> create_compressor(const LayerConfig& layer, const RowFormat& entries) {
  CompressorState state;
  state.ratio = layer.compress_ratio;
  const int64_t ring_rows = layer.overlap() ? 2 * layer.compress_ratio : layer.compress_ratio;
  const int width = layer.compressor_width(static_cast<int>(entries.dim));
  FATHOM_ASSIGN_OR_RETURN(state.c, RowRing::create(ring_rows, width));
  FATHOM_ASSIGN_OR_RETURN(state.z, RowRing::create(ring_rows, width));
  state.entries = RowStore(entries);
  return state;
}

Result<LayerState> create_layer(const ModelConfig& config, const LayerConfig& layer, RowPrecision precision) {
  LayerState state;
  const RowFormat kv = kv_format(config, precision);
  FATHOM_ASSIGN_OR_RETURN(state.window, RowRing::create(config.sliding_window, kv));
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

int64_t compressor_bytes(const std::optional<CompressorState>& state) noexcept {
  return state ? state->c.size_bytes() + state->z.size_bytes() + state->entries.reserved_bytes() : 0;
}

int64_t layer_bytes(const LayerState& layer) noexcept {
  return layer.window.size_bytes() + compressor_bytes(layer.compressor) + compressor_bytes(layer.indexer);
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
    state.draft_streams_.resize(static_cast<size_t>(config.hc_mult) * config.hidden_size);
  }
  FATHOM_RETURN_IF_ERROR(state.reserve(tokens));
  return state;
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
  draft_rows_ = 0;
  for (LayerState& layer : layers_) {
    if (layer.compressor) layer.compressor->entries.clear();
    if (layer.indexer) layer.indexer->entries.clear();
  }
}

int64_t SequenceState::bytes() const noexcept {
  auto total =
      static_cast<int64_t>(tokens_.capacity() * sizeof(int32_t) + draft_streams_.size() * sizeof(float));
  for (const LayerState& layer : layers_) total += layer_bytes(layer);
  if (draft_layer_) total += layer_bytes(*draft_layer_);
  return total;
}

void SequenceState::advance(std::span<const int32_t> tokens) noexcept {
  FATHOM_CHECK(tokens_.size() + tokens.size() <= tokens_.capacity());
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
}

}  // namespace fathom
