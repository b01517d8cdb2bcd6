// SPDX-License-Identifier: MIT
#include "reference/moe.h"

#include "base/check.h"
#include "reference/linear.h"
#include "reference/number.h"

namespace fathom::reference {
namespace {

template <typename T>
void add_to(std::span<T> sum, const std::vector<T>& term) {
  for (size_t d = 0; d < sum.size(); ++d) sum[d] += term[d];
}

}  // namespace

template <typename T>
T swiglu(T gate, T up, T weight, double limit) {
  if (limit > 0) {
    const Real<T> bound = Real<T>(limit);
    gate = at_most(gate, bound);
    up = at_least(at_most(up, bound), -bound);
  }
  return weight * silu(gate) * up;
}

template <typename T>
std::vector<T> expert(std::span<const T> x, T weight, const ExpertWeights<T>& w, double limit,
                      Rounding rounding) {
  const std::vector<T> gate = linear(w.w1, x, rounding);
  const std::vector<T> up = linear(w.w3, x, rounding);
  std::vector<T> hidden;
  for (size_t i = 0; i < gate.size(); ++i) hidden.push_back(swiglu(gate[i], up[i], weight, limit));
  return linear(w.w2, std::span<const T>(hidden), rounding);
}

template <typename T>
MoeOutput<T> moe(const Matrix<T>& x, std::span<const int32_t> tokens, const MoeWeights<T>& w,
                 const ModelConfig& config, Rounding rounding) {
  FATHOM_CHECK(x.rows == static_cast<int64_t>(tokens.size()));
  MoeOutput<T> out{Matrix<T>(x.rows, x.cols, T(0)), {}};
  for (int64_t t = 0; t < x.rows; ++t) {
    const std::vector<T> logits = multiply(w.gate, x.row(t));
    out.routes.push_back(route(std::span<const T>(logits), tokens[t], w, config));
    const Route<T>& chosen = out.routes.back();
    for (size_t i = 0; i < chosen.experts.size(); ++i) {
      add_to(out.y.row(t), expert(x.row(t), chosen.weights[i], w.experts[chosen.experts[i]],
                                  config.swiglu_limit, rounding));
    }
    if (w.shared_experts) {
      add_to(out.y.row(t), expert(x.row(t), T(1), *w.shared_experts, config.swiglu_limit, rounding));
    }
  }
  return out;
}

template float swiglu(float, float, float, double);
template double swiglu(double, double, double, double);
template Complex swiglu(Complex, Complex, Complex, double);
template std::vector<float> expert(std::span<const float>, float, const ExpertWeights<float>&, double,
                                   Rounding);
template std::vector<double> expert(std::span<const double>, double, const ExpertWeights<double>&, double,
                                    Rounding);
template std::vector<Complex> expert(std::span<const Complex>, Complex, const ExpertWeights<Complex>&, double,
                                     Rounding);
template MoeOutput<float> moe(const Matrix<float>&, std::span<const int32_t>, const MoeWeights<float>&,
                              const ModelConfig&, Rounding);
template MoeOutput<double> moe(const Matrix<double>&, std::span<const int32_t>, const MoeWeights<double>&,
                               const ModelConfig&, Rounding);
template MoeOutput<Complex> moe(const Matrix<Complex>&, std::span<const int32_t>, const MoeWeights<Complex>&,
                                const ModelConfig&, Rounding);

}  // namespace fathom::reference
