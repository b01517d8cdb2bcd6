// SPDX-License-Identifier: MIT
#include "numeric/block_quant.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

// Byte of 2^(e - shift), one power more when the mantissa of amax = (1 + f/2^23) 2^e exceeds `limit`.
// Requires a normal amax.
constexpr uint8_t scale_byte(float amax, uint32_t shift, uint32_t limit) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(amax);
  return static_cast<uint8_t>((bits >> 23) - shift + ((bits & 0x7fffffu) > limit ? 1u : 0u));
}

float group_amax(std::span<const float> group) noexcept {
  float amax = 0.0f;
  for (const float v : group) amax = std::max(amax, std::fabs(v));  // a NaN loses the comparison
  return amax;
}

// 1 / scale. Exact: both quantisers' bytes lie in [1, 253].
float inverse_scale(uint8_t byte) noexcept { return ue8m0_to_float(static_cast<uint8_t>(254 - byte)); }

// Calls visit(first, group) for every group of x.
template <typename T, typename Visit>
void for_each_group(std::span<T> x, int block, Visit visit) noexcept {
  const size_t step = static_cast<size_t>(block);
  for (size_t first = 0; first < x.size(); first += step) {
    visit(first, x.subspan(first, std::min(step, x.size() - first)));
  }
}

}  // namespace

// 448 = 1.75 * 2^8.
uint8_t fp8_scale_byte(float amax) noexcept { return scale_byte(std::max(1e-4f, amax), 8, 0x600000u); }

// 6 = 1.5 * 2^2.
uint8_t fp4_scale_byte(float amax) noexcept { return scale_byte(std::max(0x1.8p-124f, amax), 2, 0x400000u); }

void fp8_quantize(std::span<const float> x, int block, uint8_t* codes, uint8_t* scales) noexcept {
  FATHOM_CHECK(block >= 1);
  for_each_group(x, block, [&](size_t first, std::span<const float> group) {
    const uint8_t byte = fp8_scale_byte(group_amax(group));
    const float inverse = inverse_scale(byte);
    *scales++ = byte;
    for (size_t i = 0; i < group.size(); ++i) codes[first + i] = float_to_fp8_e4m3(group[i] * inverse);
  });
}

void fp8_round_trip(std::span<float> x, int block) noexcept {
  FATHOM_CHECK(block >= 1);
  for_each_group(x, block, [](size_t, std::span<float> group) {
    const uint8_t byte = fp8_scale_byte(group_amax(group));
    const float inverse = inverse_scale(byte);
    const float scale = ue8m0_to_float(byte);
    for (float& v : group) v = fp8_e4m3_to_float(float_to_fp8_e4m3(v * inverse)) * scale;
  });
}

void fp4_quantize(std::span<const float> x, int block, uint8_t* packed, uint8_t* scales) noexcept {
  FATHOM_CHECK(block >= 2 && block % 2 == 0);
  for_each_group(x, block, [&](size_t first, std::span<const float> group) {
    const uint8_t byte = fp4_scale_byte(group_amax(group));
    const float inverse = inverse_scale(byte);
    *scales++ = byte;
    for (size_t i = 0; i < group.size(); i += 2) {
      const uint8_t low = float_to_fp4_e2m1(group[i] * inverse);
      const uint8_t high = i + 1 < group.size() ? float_to_fp4_e2m1(group[i + 1] * inverse) : uint8_t{0};
      packed[(first + i) / 2] = static_cast<uint8_t>(low | (high << 4));
    }
  });
}

void fp4_round_trip(std::span<float> x, int block) noexcept {
  FATHOM_CHECK(block >= 1);
  for_each_group(x, block, [](size_t, std::span<float> group) {
    const uint8_t byte = fp4_scale_byte(group_amax(group));
    const float inverse = inverse_scale(byte);
    const float scale = ue8m0_to_float(byte);
    for (float& v : group) v = fp4_e2m1_to_float(float_to_fp4_e2m1(v * inverse)) * scale;
  });
}

}  // namespace fathom
