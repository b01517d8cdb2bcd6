// SPDX-License-Identifier: MIT
// The number types of the reference (design.md 15): float, double, std::complex<double>. What a complex
// number needs to follow the complex-step rule (derivative = imaginary part): decisions look at the real part
// only.
//
// Pure functions, any thread.
#pragma once

#include <cmath>
#include <complex>
#include <span>
#include <type_traits>

#include "base/check.h"

namespace fathom::reference {

using Complex = std::complex<double>;

template <typename T>
struct RealOf {
  using type = T;
};
template <typename R>
struct RealOf<std::complex<R>> {
  using type = R;
};
template <typename T>
using Real = typename RealOf<T>::type;

// What sums of T are carried in. Float sums are carried in double, so that the float reference shows what
// float32 values cost, not what one order of summation costs.
template <typename T>
using Sum = std::conditional_t<std::is_same_v<T, float>, double, T>;

template <typename T>
inline constexpr bool kIsComplex = !std::is_same_v<T, Real<T>>;

template <typename T>
Real<T> real_part(T x) noexcept {
  if constexpr (kIsComplex<T>) {
    return x.real();
  } else {
    return x;
  }
}

// The number `value` with everything else of x: for complex x the imaginary part passes through.
template <typename T>
T with_real_part(T x, Real<T> value) noexcept {
  if constexpr (kIsComplex<T>) {
    return T(value, x.imag());
  } else {
    return value;
  }
}

// min(x, limit) and max(x, limit); at the limit itself x passes.
template <typename T>
T at_most(T x, Real<T> limit) noexcept {
  return real_part(x) > limit ? T(limit) : x;
}
template <typename T>
T at_least(T x, Real<T> limit) noexcept {
  return real_part(x) < limit ? T(limit) : x;
}

template <typename T>
T relu(T x) noexcept {
  return at_least(x, Real<T>(0));
}

// ln(1 + x) without cancellation for small x.
template <typename T>
T log1p_of(T x) noexcept {
  if constexpr (kIsComplex<T>) {
    const auto a = x.real();
    const auto h = x.imag();
    return T(std::log1p(2 * a + a * a + h * h) / 2, std::atan2(h, 1 + a));
  } else {
    return std::log1p(x);
  }
}

// ln(1 + e^x); e is never raised to a positive power.
template <typename T>
T softplus(T x) noexcept {
  return real_part(x) > 0 ? x + log1p_of(std::exp(-x)) : log1p_of(std::exp(x));
}

template <typename T>
T sigmoid(T x) noexcept {
  if (real_part(x) >= 0) return T(1) / (T(1) + std::exp(-x));
  const T e = std::exp(x);
  return e / (T(1) + e);
}

template <typename T>
T silu(T x) noexcept {
  return x * sigmoid(x);
}

template <typename T>
T dot(std::span<const T> a, std::span<const T> b) noexcept {
  FATHOM_CHECK(a.size() == b.size());
  Sum<T> sum = Sum<T>(0);
  for (size_t i = 0; i < a.size(); ++i) sum += Sum<T>(a[i]) * Sum<T>(b[i]);
  return T(sum);
}

template <typename T>
T mean_of_squares(std::span<const T> x) noexcept {
  return dot(x, x) / T(static_cast<Real<T>>(x.size()));
}

}  // namespace fathom::reference
