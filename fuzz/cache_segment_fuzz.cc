// SPDX-License-Identifier: MIT
// Any bytes as a segment of the prefix cache, as they are and with both checksums repaired, so that what is
// behind them is reached too: refused, or a state that saves and restores (docs/reliability.md F-8, C-5).
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "cache/segment.h"
#include "state/sequence_state.h"

namespace {

using fathom::LayerKind;

// As tests/cache/stamped_model.cc, whose segments are the seeds.
fathom::ModelConfig config() {
  fathom::ModelConfig config;
  config.head_dim = 6;
  config.index_head_dim = 8;
  config.sliding_window = 11;
  config.hc_mult = 2;
  config.hidden_size = 5;
  config.num_hidden_layers = 3;
  config.num_nextn_predict_layers = 1;
  config.layers = {{.kind = LayerKind::kWindow, .rope = {}},
                   {.kind = LayerKind::kCsa, .compress_ratio = 4, .rope = {}},
                   {.kind = LayerKind::kHca, .compress_ratio = 16, .rope = {}}};
  return config;
}

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

// Writes the checksums that the bytes should have.
void repair(std::string& file) {
  const auto head = fathom::kSegmentHeaderBytes;
  const auto tail = fathom::kSegmentChecksumBytes;
  if (static_cast<int64_t>(file.size()) < head + tail) return;
  const auto of_header = fathom::xxh3_64(bytes(file).first(head - 8));
  std::memcpy(file.data() + head - 8, of_header.data(), of_header.size());
  const auto of_file = fathom::xxh3_128(bytes(file).first(file.size() - tail));
  std::memcpy(file.data() + file.size() - tail, of_file.data(), of_file.size());
}

void use(const std::string& file) {
  const auto parsed = fathom::parse_segment(bytes(file), fathom::Checksum::kVerify);
  if (!parsed.ok()) {
    FATHOM_CHECK(!parsed.status().message().empty());
    return;
  }
  FATHOM_CHECK(parsed->header.file_bytes() == static_cast<int64_t>(file.size()));
  static const fathom::ModelConfig model = config();
  auto state = fathom::SequenceState::create(model, 0);
  FATHOM_CHECK(state.ok());
  fathom::SnapshotReader reader(*state);
  if (!reader.append(parsed->snapshot()).ok() || !reader.finish(parsed->snapshot()).ok()) return;
  fathom::StringSink sink;
  FATHOM_CHECK(state->save(sink).ok());
  FATHOM_CHECK(state->restore(bytes(sink.text())).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string file(reinterpret_cast<const char*>(data), size);
  use(file);
  repair(file);
  use(file);
  // The same bytes as a saved state.
  auto state = fathom::SequenceState::create(config(), 0);
  FATHOM_CHECK(state.ok());
  if (!state->restore(bytes(file)).ok()) FATHOM_CHECK(state->position() == 0);
  return 0;
}
