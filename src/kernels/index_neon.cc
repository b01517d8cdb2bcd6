// SPDX-License-Identifier: MIT
// Lightning indexer scores of the neon tier: signed int8 products, summed in 16 bits within a group, which it
// cannot fill: 12 * 12 * 8 per lane.
#include "kernels/codes_neon.h"
#include "kernels/kernel_table.h"

namespace fathom {
namespace {

constexpr int kIndexRegisters = 16;  // of eight lanes
constexpr int64_t kUnpackedBytes = 32;
// Four products of each of eight heads.
struct IntSums {
  int16x8_t heads[4];  // two heads each
};
struct CodeVec {
  int8x16_t low;
  int8x16_t high;
};

// Signed codes need nothing taken away.
FATHOM_INLINE int32_t integer_start(int32_t) noexcept { return 0; }
FATHOM_INLINE IntSums load_start(const int32_t*) noexcept {
  const int16x8_t none = vdupq_n_s16(0);
  return {{none, none, none, none}};
}
FATHOM_INLINE CodeVec load_codes(const int8_t* p) noexcept { return {vld1q_s8(p), vld1q_s8(p + 16)}; }
FATHOM_INLINE CodeVec broadcast_quad(const uint8_t* p) noexcept {
  int32_t four = 0;
  __builtin_memcpy(&four, p, sizeof four);
  const int8x16_t all = vreinterpretq_s8_s32(vdupq_n_s32(four));
  return {all, all};
}
FATHOM_INLINE IntSums add_products(IntSums sum, CodeVec key, CodeVec codes) noexcept {
  return {{vmlal_s8(sum.heads[0], vget_low_s8(key.low), vget_low_s8(codes.low)),
           vmlal_high_s8(sum.heads[1], key.low, codes.low),
           vmlal_s8(sum.heads[2], vget_low_s8(key.high), vget_low_s8(codes.high)),
           vmlal_high_s8(sum.heads[3], key.high, codes.high)}};
}
FATHOM_INLINE Vec to_float(IntSums sum) noexcept {
  const int32x4_t low = vpaddq_s32(vpaddlq_s16(sum.heads[0]), vpaddlq_s16(sum.heads[1]));
  const int32x4_t high = vpaddq_s32(vpaddlq_s16(sum.heads[2]), vpaddlq_s16(sum.heads[3]));
  return {vcvtq_f32_s32(low), vcvtq_f32_s32(high)};
}

// `bytes` <= 32 bytes of packed codes -> the low nibbles' values, then the high ones', doubled.
FATHOM_INLINE void unpack_codes(const uint8_t* packed, int64_t bytes, uint8_t* out) noexcept {
  uint8_t rest[kUnpackedBytes] = {};
  if (bytes < kUnpackedBytes) {
    for (int64_t j = 0; j < bytes; ++j) rest[j] = packed[j];
    packed = rest;
  }
  for (int64_t i = 0; i < kUnpackedBytes; i += 16) {
    const uint8x16_t codes = vld1q_u8(packed + i);
    vst1q_u8(out + i, vreinterpretq_u8_s8(doubled_e2m1(vandq_u8(codes, vdupq_n_u8(15)))));
    vst1q_u8(out + kUnpackedBytes + i, vreinterpretq_u8_s8(doubled_e2m1(vshrq_n_u8(codes, 4))));
  }
}

}  // namespace
}  // namespace fathom

#include "kernels/index_simd.h"

namespace fathom {

extern constinit const IndexKernels kIndexNeon = kIndexSimd;

}  // namespace fathom
