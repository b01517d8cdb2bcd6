// SPDX-License-Identifier: MIT
// Small random checkpoints in the released layout, for property tests: parse, bind and forward see what a
// real directory would give them (architecture.md 1, 9, 10).
//
// Seeds 0..35 between them have every storage (bf16, FP8, FP8 with FP4 experts), scoring function, kind of
// layer, both spellings of the layer plan, hash layers and MTP or not; all other numbers are drawn. The same
// seed gives the same bytes on every machine. No value is trivial: sinks, biases and indexer weights are of
// both signs, scales uneven. Below 2 MB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace fathom {

struct RandomModel {
  std::string config_text;             // config.json
  std::vector<std::byte> safetensors;  // model.safetensors
};

RandomModel make_random_model(uint64_t seed);

// Three very narrow layers (HCA 128, window, CSA 4), cheap enough for 2^17 tokens. Storage, scoring and MTP
// follow the seed as above; context 2^20.
RandomModel make_long_context_model(uint64_t seed);

// Writes both files into an existing directory.
Status write_model_directory(const RandomModel& model, const std::string& directory);

// `count` token ids below vocab_size.
std::vector<int32_t> random_tokens(uint64_t seed, int vocab_size, int count);

}  // namespace fathom
