// SPDX-License-Identifier: MIT
#include "reference/quantize.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/number.h"

namespace fathom::reference {
namespace {

// A small float format: codes are multiples of 2^(e - mantissa_bits) inside a binade [2^e, 2^(e+1)), and of
// 2^(min_exponent - mantissa_bits) below the smallest normal number.
struct Format {
  double largest;
  double floor;  // a block's largest magnitude counts as at least this
  int mantissa_bits;
  int min_exponent;
};
constexpr Format kE4m3{.largest = 448.0, .floor = 1e-4, .mantissa_bits = 3, .min_exponent = -6};
constexpr Format kE2m1{.largest = 6.0, .floor = 6.0 * 0x1p-126, .mantissa_bits = 1, .min_exponent = 0};

// log2 of the smallest power of two s with amax <= s * largest.
int scale_exponent(double amax, double largest) {
  int exponent = std::ilogb(amax) - std::ilogb(largest);
  while (amax > std::ldexp(largest, exponent)) ++exponent;
  while (amax <= std::ldexp(largest, exponent - 1)) --exponent;
  return exponent;
}

// The nearest code, ties to the even one (the default rounding mode of nearbyint). Requires |x| <= largest.
double nearest_code(double x, const Format& format) {
  if (x == 0) return x;
  const int exponent = std::max(std::ilogb(x), format.min_exponent);
  const int step_exponent = exponent - format.mantissa_bits;
  return std::ldexp(std::nearbyint(std::ldexp(x, -step_exponent)), step_exponent);
}

// double holds every float exactly, so one arithmetic serves all number types.
template <typename T>
void round_trip(std::span<T> x, int block, const Format& format) {
  for (size_t first = 0; first < x.size(); first += static_cast<size_t>(block)) {
    const std::span<T> group = x.subspan(first, std::min(static_cast<size_t>(block), x.size() - first));
    double amax = format.floor;
    for (const T v : group) amax = std::max(amax, std::fabs(static_cast<double>(real_part(v))));
    // Infinities and NaN pass as they are; the scale is that of the largest finite number.
    const int scale = scale_exponent(std::min(amax, std::numeric_limits<double>::max()), format.largest);
    for (T& v : group) {
      const double scaled = std::ldexp(static_cast<double>(real_part(v)), -scale);
      v = with_real_part(v, static_cast<Real<T>>(std::ldexp(nearest_code(scaled, format), scale)));
    }
  }
}

}  // namespace

template <typename T>
void fp8_round_trip(std::span<T> x, int block) noexcept {
  round_trip(x, block, kE4m3);
}

template <typename T>
void fp4_round_trip(std::span<T> x, int block) noexcept {
  round_trip(x, block, kE2m1);
}

template void fp8_round_trip(std::span<float>, int) noexcept;
template void fp8_round_trip(std::span<double>, int) noexcept;
template void fp8_round_trip(std::span<Complex>, int) noexcept;
template void fp4_round_trip(std::span<float>, int) noexcept;
template void fp4_round_trip(std::span<double>, int) noexcept;
template void fp4_round_trip(std::span<Complex>, int) noexcept;

}  // namespace fathom::reference
