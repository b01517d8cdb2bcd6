// SPDX-License-Identifier: MIT
#include "ops/swiglu_backward.h"

#include <cmath>
#include <limits>

#include "base/check.h"
#include "kernels/dispatch.h"
#include "ops/vector_math.h"

namespace fathom {
namespace {

float backward(const SwigluGradient<float>& in, std::span<float> d_gate, std::span<float> d_up) noexcept {
  const float limit = in.limit == 0.0F ? std::numeric_limits<float>::infinity() : in.limit;
  return kernels().training->swiglu_backward({.gate = in.gate.data(),
                                              .up = in.up.data(),
                                              .d_out = in.d_out.data(),
                                              .weight = in.weight,
                                              .limit = limit,
                                              .n = static_cast<int64_t>(in.gate.size()),
                                              .d_gate = d_gate.data(),
                                              .d_up = d_up.data()});
}

double backward(const SwigluGradient<double>& in, std::span<double> d_gate, std::span<double> d_up) noexcept {
  const double limit = in.limit == 0.0 ? std::numeric_limits<double>::infinity() : in.limit;
  double d_weight = 0.0;
  for (size_t i = 0; i < in.gate.size(); ++i) {
    const bool gate_free = in.gate[i] < limit;
    const bool up_free = std::fabs(in.up[i]) < limit;
    const double gate = gate_free ? in.gate[i] : limit;
    const double up = up_free ? in.up[i] : std::copysign(limit, in.up[i]);
    const double sigmoid = sigmoid_of(gate);
    const double weighted = in.weight * in.d_out[i];
    d_weight += in.d_out[i] * gate * sigmoid * up;
    d_gate[i] = gate_free ? weighted * up * sigmoid * (1.0 + gate * (1.0 - sigmoid)) : 0.0;
    d_up[i] = up_free ? weighted * gate * sigmoid : 0.0;
  }
  return d_weight;
}

}  // namespace

template <typename T>
T swiglu_backward(const SwigluGradient<T>& in, std::span<T> d_gate, std::span<T> d_up) noexcept {
  FATHOM_DCHECK(in.gate.size() == in.up.size() && in.gate.size() == in.d_out.size());
  return backward(in, d_gate, d_up);
}

template float swiglu_backward(const SwigluGradient<float>&, std::span<float>, std::span<float>) noexcept;
template double swiglu_backward(const SwigluGradient<double>&, std::span<double>, std::span<double>) noexcept;

}  // namespace fathom
