// SPDX-License-Identifier: MIT
// E4M3 and E2M1 codes to numbers with NEON instructions, for the products and for the rows of the state.
// Internal linkage, always inlined (design.md 7).
#pragma once

#include "kernels/simd_neon.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// Eight e4m3 codes as 2^-8 their values: shifted left by 7 a code is the binary16 of that, subnormals
// included. Bits 15 and 14 then both hold the sign. One unit more carries into bit 14 exactly when the
// magnitude is 0x7f, NaN; s ^ (that bit of s + unit) clears bit 14, or sets it for NaN.
FATHOM_INLINE Vec e4m3_codes(uint8x8_t codes) noexcept {
  const int16x8_t s = vshlq_n_s16(vmovl_s8(vreinterpret_s8_u8(codes)), 7);
  const int16x8_t carried = vaddq_s16(s, vdupq_n_s16(0x80));
  const int16x8_t half = veorq_s16(s, vandq_s16(carried, vdupq_n_s16(0x4000)));
  const float16x8_t values = vreinterpretq_f16_s16(half);
  return {vcvt_f32_f16(vget_low_f16(values)), vcvt_f32_f16(vget_high_f16(values))};
}

// Sixteen e2m1 nibbles, each in its byte, as twice their values: whole numbers from -12 to 12.
FATHOM_INLINE int8x16_t doubled_e2m1(uint8x16_t nibbles) noexcept {
  constexpr int8_t kDoubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  return vqtbl1q_s8(vld1q_s8(kDoubled), nibbles);
}

FATHOM_INLINE Vec floats_of(int8x8_t values) noexcept {
  const int16x8_t wide = vmovl_s8(values);
  return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide)))};
}

// 16 bytes of packed e2m1 codes as twice their 32 values, in order.
FATHOM_INLINE void doubled_group(const uint8_t* bytes, Vec* out) noexcept {
  const uint8x16_t packed = vld1q_u8(bytes);
  const int8x16_t even = doubled_e2m1(vandq_u8(packed, vdupq_n_u8(15)));
  const int8x16_t odd = doubled_e2m1(vshrq_n_u8(packed, 4));
  const int8x16_t first = vzip1q_s8(even, odd);
  const int8x16_t second = vzip2q_s8(even, odd);
  out[0] = floats_of(vget_low_s8(first));
  out[1] = floats_of(vget_high_s8(first));
  out[2] = floats_of(vget_low_s8(second));
  out[3] = floats_of(vget_high_s8(second));
}

}  // namespace
}  // namespace fathom
