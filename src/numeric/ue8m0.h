// SPDX-License-Identifier: MIT
// ue8m0: a power-of-two scale in one byte, value 2^(b-127), 0xff NaN (architecture.md 9).
// b = 0 is 2^-127, a binary32 subnormal. Pure function; any thread.
#pragma once

#include <bit>
#include <cstdint>

namespace fathom {

constexpr float ue8m0_to_float(uint8_t byte) noexcept {
  if (byte == 0xffu) return std::bit_cast<float>(0x7fc00000u);
  if (byte == 0) return 0x1p-127f;
  return std::bit_cast<float>(static_cast<uint32_t>(byte) << 23);
}

}  // namespace fathom
