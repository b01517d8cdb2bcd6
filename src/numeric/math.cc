// SPDX-License-Identifier: MIT
#include "numeric/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace fathom {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// ln 2 in two parts: kLn2High has 32 significant bits, so its product with an exponent is exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

// Adding and subtracting 1.5 * 2^52 rounds to the nearest integer, which the low bits of the sum hold.
constexpr double kRoundShift = 0x1.8p52;

// 2^n for n in [-1022, 1023].
double power_of_two(int64_t n) noexcept {
  return std::bit_cast<double>(static_cast<uint64_t>(n + 1023) << 52);
}

// log((1 + s) / (1 - s)) = 2 (s + s^3/3 + s^5/5 + ...) for |s| <= 0.1716, which covers ratios in [1/sqrt 2,
// sqrt 2]. The first term left out is below 2^-58 of the sum.
double log_ratio(double s) noexcept {
  const double z = s * s;
  double sum = 1.0 / 23.0;
  for (int k = 21; k >= 3; k -= 2) sum = sum * z + 1.0 / k;
  return 2.0 * s + 2.0 * s * (sum * z);
}

// Taylor polynomials on |r| <= pi/4; the first term left out is below 2^-44.
double sin_reduced(double r) noexcept {
  const double z = r * r;
  double sum = 1.0 / 6227020800.0;  // 1/13!
  sum = sum * z - 1.0 / 39916800.0;
  sum = sum * z + 1.0 / 362880.0;
  sum = sum * z - 1.0 / 5040.0;
  sum = sum * z + 1.0 / 120.0;
  sum = sum * z - 1.0 / 6.0;
  return r + r * (sum * z);
}

double cos_reduced(double r) noexcept {
  const double z = r * r;
  double sum = -1.0 / 87178291200.0;  // 1/14!
  sum = sum * z + 1.0 / 479001600.0;
  sum = sum * z - 1.0 / 3628800.0;
  sum = sum * z + 1.0 / 40320.0;
  sum = sum * z - 1.0 / 720.0;
  sum = sum * z + 1.0 / 24.0;
  sum = sum * z - 1.0 / 2.0;
  return 1.0 + sum * z;
}

}  // namespace

double exp_f64(double x) noexcept {
  if (std::isnan(x)) return x;
  if (x > 709.0) return kInfinity;
  if (x < -708.0) return 0.0;
  const double n = (x * 0x1.71547652b82fep0 + kRoundShift) - kRoundShift;
  const double r = (x - n * kLn2High) - n * kLn2Low;  // |r| <= 0.35
  double sum = 1.0 / 6227020800.0;                    // 1/13!: the next term is below 2^-57
  double factorial = 6227020800.0;
  for (int k = 13; k >= 3; --k) {
    factorial /= k;
    sum = sum * r + 1.0 / factorial;
  }
  return (1.0 + (r + r * r * sum)) * power_of_two(static_cast<int64_t>(n));
}

double log_f64(double x) noexcept {
  if (std::isnan(x) || x < 0.0) return kNan;
  if (x == 0.0) return -kInfinity;
  if (x == kInfinity) return x;
  int64_t exponent = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    exponent = -54;
  }
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  exponent += static_cast<int64_t>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffu) | (uint64_t{1023} << 52));
  if (m > 0x1.6a09e667f3bcdp0) {  // sqrt 2
    m *= 0.5;
    ++exponent;
  }
  const double k = static_cast<double>(exponent);
  return k * kLn2High + (log_ratio((m - 1.0) / (m + 1.0)) + k * kLn2Low);
}

double log1p_f64(double x) noexcept {
  if (x > -0.29 && x < 0.41) return log_ratio(x / (2.0 + x));  // 1 + x within [1/sqrt 2, sqrt 2]
  return log_f64(1.0 + x);
}

float exp_f32(float x) noexcept { return static_cast<float>(exp_f64(x)); }

float log_f32(float x) noexcept { return static_cast<float>(log_f64(x)); }

float log1p_f32(float x) noexcept { return static_cast<float>(log1p_f64(x)); }

float softplus_f32(float x) noexcept {
  const double wide = x;
  const double tail = log1p_f64(exp_f64(-std::fabs(wide)));
  return static_cast<float>(wide > 0.0 ? wide + tail : tail);
}

float sigmoid_f32(float x) noexcept {
  return static_cast<float>(1.0 / (1.0 + exp_f64(-static_cast<double>(x))));
}

float silu_f32(float x) noexcept {
  if (x < -120.0f) return -0.0f;  // below half of the smallest subnormal; -infinity too
  const double wide = x;
  return static_cast<float>(wide / (1.0 + exp_f64(-wide)));
}

void sincos_f32_angle(float angle, float* sin, float* cos) noexcept {
  // pi/2 in three parts; the first two have at most 32 bits, so that their products with n (21 bits) are
  // exact.
  constexpr double kHalfPi1 = 0x1.921fb544p0;
  constexpr double kHalfPi2 = 0x1.0b4611a6p-34;
  constexpr double kHalfPi3 = 0x1.3198a2e037073p-69;
  const double wide = angle;
  const double shifted = wide * 0x1.45f306dc9c883p-1 + kRoundShift;
  const double n = shifted - kRoundShift;
  const double r = ((wide - n * kHalfPi1) - n * kHalfPi2) - n * kHalfPi3;
  const float s = static_cast<float>(sin_reduced(r));
  const float c = static_cast<float>(cos_reduced(r));
  const uint64_t quadrant = std::bit_cast<uint64_t>(shifted) & 3u;
  *sin = (quadrant & 1u) != 0 ? c : s;
  *cos = (quadrant & 1u) != 0 ? s : c;
  if ((quadrant & 2u) != 0) *sin = -*sin;
  if (quadrant == 1 || quadrant == 2) *cos = -*cos;
}

}  // namespace fathom
