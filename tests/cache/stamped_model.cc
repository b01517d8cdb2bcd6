// SPDX-License-Identifier: MIT
#include "cache/stamped_model.h"

#include <cstring>

#include "base/check.h"
#include "base/counter_rng.h"
#include "io/digest.h"

namespace fathom {
namespace {

// Stamps of all prefixes: stamp[p] depends on tokens 0 ... p.
std::vector<uint64_t> stamps(std::span<const int32_t> tokens) {
  std::vector<uint64_t> out;
  uint64_t stamp = 17;
  for (const int32_t token : tokens) {
    stamp = mix_bits(stamp * 31 + static_cast<uint64_t>(token));
    out.push_back(stamp);
  }
  return out;
}

void fill(uint8_t* row, int64_t bytes, uint64_t stamp, uint64_t what) {
  const uint64_t base = mix_bits(stamp + what);
  for (int64_t i = 0; i < bytes; i += 8) {
    const uint64_t word = base + static_cast<uint64_t>(i);
    std::memcpy(row + i, &word, static_cast<size_t>(std::min<int64_t>(8, bytes - i)));
  }
}

void stamp_compressor(CompressorState& state, const std::vector<uint64_t>& stamps, int64_t first,
                      uint64_t what) {
  const auto end = static_cast<int64_t>(stamps.size());
  for (int64_t p = first; p < end; ++p) {
    fill(state.c.bytes(p), state.c.row_bytes(), stamps[p], what + 1);
    fill(state.z.bytes(p), state.z.row_bytes(), stamps[p], what + 2);
  }
  const int64_t from = state.entries.size();
  state.entries.grow(end / state.ratio);
  for (int64_t i = from; i < state.entries.size(); ++i) {
    fill(state.entries.bytes(i), state.entries.row_bytes(), stamps[(i + 1) * state.ratio - 1], what + 3);
  }
}

}  // namespace

StampedModel::StampedModel() {
  config_.head_dim = 6;
  config_.index_head_dim = 8;
  config_.sliding_window = 11;
  config_.hc_mult = 2;
  config_.hidden_size = 5;
  config_.vocab_size = 1000;
  config_.num_hidden_layers = 3;
  config_.num_nextn_predict_layers = 1;
  config_.layers = {{.kind = LayerKind::kWindow, .rope = {}},
                    {.kind = LayerKind::kCsa, .compress_ratio = 4, .rope = {}},
                    {.kind = LayerKind::kHca, .compress_ratio = 16, .rope = {}}};
}

SequenceState StampedModel::make_state(int64_t tokens) const {
  auto state = SequenceState::create(config_, tokens);
  FATHOM_CHECK(state.ok());
  return std::move(state).value();
}

void StampedModel::append(SequenceState& state, std::span<const int32_t> tokens) const {
  const int64_t first = state.position();
  std::vector<int32_t> all(state.tokens().begin(), state.tokens().end());
  all.insert(all.end(), tokens.begin(), tokens.end());
  const std::vector<uint64_t> stamp = stamps(all);
  const auto end = static_cast<int64_t>(all.size());
  FATHOM_CHECK(state.reserve(end).ok());
  for (int i = 0; i < state.layer_count(); ++i) {
    LayerState& layer = state.layer(i);
    const auto what = static_cast<uint64_t>(i) * 10;
    for (int64_t p = first; p < end; ++p)
      fill(layer.window.bytes(p), layer.window.row_bytes(), stamp[p], what);
    if (layer.compressor) stamp_compressor(*layer.compressor, stamp, first, what);
    if (layer.indexer) stamp_compressor(*layer.indexer, stamp, first, what + 3);
  }
  RowRing& window = state.draft_layer().window;
  for (int64_t p = std::max<int64_t>(0, first - 1); p < end - 1; ++p) {
    fill(window.bytes(p), window.row_bytes(), stamp[p + 1], 1000);
  }
  RowRing& streams = state.draft_streams();
  for (int64_t p = first; p < end; ++p) fill(streams.bytes(p), streams.row_bytes(), stamp[p], 1001);
  state.set_draft_tokens(end);
  state.advance(tokens);
}

SequenceState StampedModel::evaluate(std::span<const int32_t> tokens) const {
  SequenceState state = make_state();
  append(state, tokens);
  return state;
}

std::string saved(const SequenceState& state) {
  StringSink sink;
  FATHOM_CHECK(state.save(sink).ok());
  return sink.text();
}

std::string digest_of(const SequenceState& state) {
  const std::string text = saved(state);
  return hex(sha256({std::as_bytes(std::span(text))}));
}

}  // namespace fathom
