// SPDX-License-Identifier: MIT
// Are all values of a tensor numbers? (reliability.md F-4.) At memory speed, on data of any alignment.
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "weights/dtype.h"

namespace fathom {

// Largest ue8m0 byte whose product with the largest code stays a finite binary32: 448 = 1.75 * 2^8, 6 = 1.5 *
// 2^2.
inline constexpr uint8_t kMaxFp8ScaleByte = 127 + 119;
inline constexpr uint8_t kMaxFp4ScaleByte = 127 + 125;

// Index of the first element that is infinite or not a number; nothing when all are finite. Types without
// such values (integers, FP4 pairs) have none.
std::optional<size_t> first_non_finite(Dtype dtype, std::span<const std::byte> bytes) noexcept;

// Index of the first scale byte above `largest`, which is at least 128.
std::optional<size_t> first_scale_above(uint8_t largest, std::span<const std::byte> bytes) noexcept;

}  // namespace fathom
