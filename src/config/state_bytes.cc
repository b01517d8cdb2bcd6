// SPDX-License-Identifier: MIT
#include "config/state_bytes.h"

namespace fathom {
namespace {

constexpr int64_t ceil_div(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }
constexpr int64_t paged(int64_t rows, int64_t row_bytes) noexcept {
  return ceil_div(rows, kDeployedPageRows) * kDeployedPageRows * row_bytes;
}

int64_t layer_state_bytes(const ModelConfig& config, const LayerConfig& layer, int64_t tokens) noexcept {
  const int64_t entry_bytes = deployed_entry_bytes(config);
  int64_t bytes = (int64_t{config.sliding_window} + kDeployedUndoRows) * entry_bytes;
  if (!layer.compressed()) return bytes;
  const int64_t ratio = layer.compress_ratio;
  const int64_t entries = tokens / ratio;
  bytes += paged(entries, entry_bytes);
  // Raw C and Z rows in f32: the open block, with overlap also the one before it.
  const int64_t rows = (layer.overlap() ? 2 * ratio : ratio) + kDeployedUndoRows;
  int64_t width = layer.compressor_width(config.head_dim);
  if (layer.kind == LayerKind::kCsa) {
    width += layer.compressor_width(config.index_head_dim);
    bytes += paged(entries, deployed_index_key_bytes(config));
  }
  return bytes + rows * 2 * width * int64_t{sizeof(float)};
}

}  // namespace

int64_t deployed_entry_bytes(const ModelConfig& config) noexcept {
  const int64_t nope = config.nope_dim();
  const int64_t scales = ceil_div(nope, 64);
  return nope + scales + scales % 2 + 2 * int64_t{config.qk_rope_head_dim};
}

int64_t deployed_index_key_bytes(const ModelConfig& config) noexcept {
  return config.index_head_dim / 2 + config.index_head_dim / 32;
}

int64_t deployed_state_bytes(const ModelConfig& config, int64_t tokens) noexcept {
  int64_t bytes = tokens * int64_t{sizeof(int32_t)};
  for (const LayerConfig& layer : config.layers) bytes += layer_state_bytes(config, layer, tokens);
  if (config.num_nextn_predict_layers > 0) {
    bytes += layer_state_bytes(config, config.mtp_layer, tokens);
    // Draft carry: streams of the last position, and of those that a trim can go back to.
    bytes += (1 + kDeployedUndoRows) * int64_t{config.hc_mult} * config.hidden_size * int64_t{sizeof(float)};
  }
  return bytes;
}

}  // namespace fathom
