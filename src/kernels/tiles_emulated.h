// SPDX-License-Identifier: MIT
// The amx tier's products over emulated tiles; runs where the avx512-bf16 tier does. Tests only.
#pragma once

#include "kernels/kernel_table.h"

namespace fathom {

extern const LinearKernels kLinearEmulatedTiles;

}  // namespace fathom
