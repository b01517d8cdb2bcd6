// SPDX-License-Identifier: MIT
// Packed rows of the generic tier.
#include "kernels/kernel_table.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

void decode_fp8(const uint8_t* codes, const uint8_t* scales, int64_t n, int64_t block, float* out) noexcept {
  for (int64_t i = 0; i < n; ++i) out[i] = fp8_e4m3_to_float(codes[i]) * ue8m0_to_float(scales[i / block]);
}

void decode_fp4(const uint8_t* packed, const uint8_t* scales, int64_t n, float* out) noexcept {
  for (int64_t i = 0; i < n; ++i) {
    const auto nibble = static_cast<uint8_t>(i % 2 == 0 ? packed[i / 2] & 15 : packed[i / 2] >> 4);
    // A zero has no sign here, so that every tier gives the same bits.
    out[i] = fp4_e2m1_to_float(nibble) * ue8m0_to_float(scales[i / 32]) + 0.0F;
  }
}

}  // namespace

extern constinit const DecodeKernels kDecodeGeneric = {decode_fp8, decode_fp4};

}  // namespace fathom
