// SPDX-License-Identifier: MIT
// The round trips that are part of the model (architecture.md 9): activations, key-values and indexer
// operands.
#pragma once

#include <cstdint>
#include <span>

namespace fathom {

// kNone switches every round trip off: `--exact`, and models trained without them.
enum class Rounding : uint8_t { kAsDeployed, kNone };

// x through e4m3 per 128 channels, as it enters an FP8 or FP4 product. out may be x.
void quantize_activations(std::span<const float> x, std::span<float> out) noexcept;
// The first `nope_dim` channels of a key-value row or entry through e4m3 per 64 channels, in place.
void quantize_kv(std::span<float> row, int64_t nope_dim) noexcept;
// Walsh-Hadamard transform, then e2m1 per 32 channels, in place (architecture.md 5).
void quantize_index(std::span<float> row) noexcept;

}  // namespace fathom
