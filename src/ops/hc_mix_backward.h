// SPDX-License-Identifier: MIT
// Derivatives of the hyper-connections' mixing weights (ops/hc_mix.h; training.md 3): through every Sinkhorn
// round. T is float or double; nothing allocates.
#pragma once

#include <cstddef>
#include <span>

#include "ops/hc_mix.h"

namespace fathom {

// Elements that hc_mix_backward needs as scratch.
size_t hc_backward_scratch(const HcSettings& settings) noexcept;

// Inputs of hc_mix, and what the loss says of its outputs.
template <typename T>
struct HcMixGradient {
  std::span<const T> logits;  // [(2+n)n]
  std::span<const T> scale;   // [3]
  std::span<const T> base;    // [(2+n)n]
  std::span<const T> d_pre;   // [n]
  std::span<const T> d_post;  // [n]
  std::span<const T> d_comb;  // [n, n] row = source
  T hc_eps = T(0);
};

// d_logits written; d_scale and d_base += .
template <typename T>
void hc_mix_backward(const HcMixGradient<T>& in, const HcSettings& settings, std::span<T> scratch,
                     std::span<T> d_logits, std::span<T> d_scale, std::span<T> d_base) noexcept;

// The head: out_j = sigmoid(logits_j * scale + base_j) + hc_eps. d_logits written and may be d_out; d_base
// +=; returns the derivative by the scale.
template <typename T>
T hc_head_mix_backward(std::span<const T> logits, T scale, std::span<const T> base, std::span<const T> d_out,
                       std::span<T> d_logits, std::span<T> d_base) noexcept;

}  // namespace fathom
