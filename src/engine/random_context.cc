// SPDX-License-Identifier: MIT
#include "engine/random_context.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/counter_rng.h"
#include "numeric/row_format.h"
#include "ops/quantize.h"

namespace fathom {
namespace {

// Rows are copies of this many different ones.
constexpr int64_t kDistinctRows = 256;

// Roughly normal, sigma 1: what a norm leaves.
float bell(uint64_t seed, uint64_t counter) noexcept {
  uint64_t word = random_bits(seed, counter);
  float sum = 0.0F;
  for (int i = 0; i < 4; ++i, word >>= 16) sum += static_cast<float>(word & 0xffffU) / 65536.0F;
  return (sum - 2.0F) * std::sqrt(3.0F);
}

// Different rows in the form in which the state keeps them.
class RandomRows {
 public:
  RandomRows(const RowFormat& format, uint64_t seed)
      : seed_(seed), row_bytes_(format.row_bytes()), bytes_(static_cast<size_t>(kDistinctRows * row_bytes_)) {
    std::vector<float> row(static_cast<size_t>(format.dim));
    for (int64_t i = 0; i < kDistinctRows; ++i) {
      for (size_t d = 0; d < row.size(); ++d) row[d] = bell(seed, static_cast<uint64_t>(i) * row.size() + d);
      round_trip(format, row);
      pack_row(format, row, bytes_.data() + i * row_bytes_);
    }
  }

  void copy_to(int64_t row, uint8_t* out) const noexcept {
    const uint64_t pick = random_bits(seed_, static_cast<uint64_t>(row)) % kDistinctRows;
    std::copy_n(bytes_.data() + static_cast<int64_t>(pick) * row_bytes_, row_bytes_, out);
  }

 private:
  static void round_trip(const RowFormat& format, std::span<float> row) noexcept {
    switch (format.encoding) {
      case RowEncoding::kF32: return;
      case RowEncoding::kFp8: quantize_kv(row, format.nope); return;
      case RowEncoding::kFp4: quantize_index(row); return;
    }
  }

  uint64_t seed_;
  int64_t row_bytes_;
  std::vector<uint8_t> bytes_;
};

void fill_ring(RowRing& ring, uint64_t seed, int64_t position) {
  const RandomRows rows(ring.format(), seed);
  for (int64_t p = std::max<int64_t>(0, position - ring.capacity()); p < position; ++p)
    rows.copy_to(p, ring.bytes(p));
}

void fill_compressor(CompressorState& state, uint64_t seed, int64_t position) {
  fill_ring(state.c, seed, position);
  fill_ring(state.z, seed + 1, position);
  const RandomRows rows(state.entries.format(), seed + 2);
  state.entries.grow(position / state.ratio);
  for (int64_t i = 0; i < state.entries.size(); ++i) rows.copy_to(i, state.entries.bytes(i));
}

}  // namespace

void fill_random_context(const ModelConfig& config, int64_t tokens, uint64_t seed, SequenceState& state) {
  FATHOM_CHECK(state.position() == 0);
  for (int i = 0; i < config.num_hidden_layers; ++i) {
    LayerState& layer = state.layer(i);
    const uint64_t key = mix_bits(seed + static_cast<uint64_t>(i));
    fill_ring(layer.window, key, tokens);
    if (layer.compressor) fill_compressor(*layer.compressor, key + 1, tokens);
    if (layer.indexer) fill_compressor(*layer.indexer, key + 4, tokens);
  }
  std::vector<int32_t> ids(static_cast<size_t>(tokens));
  for (size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<int32_t>(random_bits(seed, i) % static_cast<uint64_t>(config.vocab_size));
  }
  state.advance(ids);
}

}  // namespace fathom
