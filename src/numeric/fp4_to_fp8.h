// SPDX-License-Identifier: MIT
// FP4 weights re-expressed as FP8 with one scale per 128 x 128 block, without loss or not at all
// (architecture.md 9). The scale of a block is its largest FP4 scale / 2^6 (never below the smallest ue8m0);
// exact while the FP4 scales of the block differ by at most 2^14. Pure function; any thread.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "numeric/weight_view.h"

namespace fathom {

inline constexpr int kFp8BlockSize = 128;

//   weight  FP4 [rows, cols], even cols
//   codes   [rows, cols] e4m3
//   scales  [ceil(rows / 128), ceil(cols / 128)] ue8m0
// Returns kUnsupported, naming the block, when a code would be lost, and kCorrupt for a NaN scale; codes and
// scales are then unspecified.
Status fp4_to_fp8(const WeightView& weight, uint8_t* codes, uint8_t* scales);

}  // namespace fathom
