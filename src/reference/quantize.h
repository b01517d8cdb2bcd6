// SPDX-License-Identifier: MIT
// Quantise-dequantise round trips on any number type (architecture.md 9), by arithmetic on the value rather
// than on bits, so that they judge the bit code of numeric/. For complex numbers the real part decides and is
// rounded; the imaginary part passes unchanged (straight through).
//
// In-place on the caller's span, any thread.
#pragma once

#include <cstdint>
#include <span>

namespace fathom::reference {

// Whether the round trips are part of the forward; deployed models were trained with them.
enum class Rounding : uint8_t { kAsDeployed, kNone };

// e4m3 (largest 448, floor 1e-4) and e2m1 (largest 6, floor 6 * 2^-126): one power-of-two scale per `block`
// channels, counted from channel 0; a shorter last group has its own.
template <typename T>
void fp8_round_trip(std::span<T> x, int block) noexcept;
template <typename T>
void fp4_round_trip(std::span<T> x, int block) noexcept;

}  // namespace fathom::reference
