// SPDX-License-Identifier: MIT
// exp, log, sine and cosine of our own, so that every platform computes the same bits (design.md 10).
//
// Computed in binary64 without fused multiply-add (needs -ffp-contract=off) and rounded once, so the f32
// functions err by less than 0.51 ulp; subnormal results included. NaN in, NaN out. Pure functions; any
// thread.
#pragma once

namespace fathom {

// e^x to about 1 ulp of binary64 for x in [-708, 709]; below 0, above infinity.
double exp_f64(double x) noexcept;
// Natural logarithm to about 1 ulp of binary64; log(0) = -infinity, negative: NaN.
double log_f64(double x) noexcept;
// log(1 + x) without loss for small x; x < -1: NaN.
double log1p_f64(double x) noexcept;

float exp_f32(float x) noexcept;
float log_f32(float x) noexcept;
float log1p_f32(float x) noexcept;
// log(1 + e^x): never overflows; equals e^x to full precision for very negative x (architecture.md 6).
float softplus_f32(float x) noexcept;
// 1 / (1 + e^-x).
float sigmoid_f32(float x) noexcept;
// x * sigmoid(x); -0 at -infinity.
float silu_f32(float x) noexcept;

// Sine and cosine of a binary32 angle in radians, each within 1 ulp of binary32 (architecture.md 3
// "Precision"). Requires |angle| <= 2^21; beyond that only finiteness is promised; not finite: NaN.
void sincos_f32_angle(float angle, float* sin, float* cos) noexcept;

}  // namespace fathom
