// SPDX-License-Identifier: MIT
// Packed rows of the neon tier. Codes are never NaN: rows are packed by our own quantiser.
#include "kernels/codes_neon.h"
#include "kernels/kernel_table.h"

namespace fathom {
namespace {

// 2^(byte - 127) for bytes 1 ... 254; byte 0 is 2^-127, a subnormal.
FATHOM_INLINE float power_of_byte(uint8_t byte) noexcept {
  const uint32_t bits = byte == 0 ? 0x00400000U : uint32_t{byte} << 23;
  float power = 0.0F;
  __builtin_memcpy(&power, &bits, sizeof power);
  return power;
}

void decode_fp8(const uint8_t* codes, const uint8_t* scales, int64_t n, int64_t block, float* out) noexcept {
  for (int64_t first = 0; first < n; first += block, ++scales) {
    const int64_t end = first + block < n ? first + block : n;
    // Two steps: 256 * scale may leave the range of f32 where the value itself does not.
    const Vec factor = set1(power_of_byte(*scales));
    const Vec from_half = set1(256.0F);
    int64_t i = first;
    for (; i + 8 <= end; i += 8) store(out + i, mul(mul(e4m3_codes(vld1_u8(codes + i)), from_half), factor));
    if (i == end) continue;
    uint8_t rest[8] = {};
    for (int64_t j = i; j < end; ++j) rest[j - i] = codes[j];
    store_partial(out + i, mul(mul(e4m3_codes(vld1_u8(rest)), from_half), factor), end - i);
  }
}

// A group of `count` <= 32 codes.
FATHOM_INLINE void decode_group(const uint8_t* packed, float half_scale, int64_t count, float* out) noexcept {
  Vec doubled[4];
  doubled_group(packed, doubled);
  for (int64_t j = 0; j < 4 && 8 * j < count; ++j) {
    const Vec v = mul(doubled[j], set1(half_scale));
    if (count - 8 * j >= 8) {
      store(out + 8 * j, v);
    } else {
      store_partial(out + 8 * j, v, count - 8 * j);
    }
  }
}

void decode_fp4(const uint8_t* packed, const uint8_t* scales, int64_t n, float* out) noexcept {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32, ++scales)
    decode_group(packed + i / 2, power_of_byte(*scales) * 0.5F, 32, out + i);
  if (i == n) return;
  uint8_t rest[16] = {};
  for (int64_t j = 0; j < (n - i + 1) / 2; ++j) rest[j] = packed[i / 2 + j];
  decode_group(rest, power_of_byte(*scales) * 0.5F, n - i, out + i);
}

}  // namespace

extern constinit const DecodeKernels kDecodeNeon = {decode_fp8, decode_fp4};

}  // namespace fathom
