// SPDX-License-Identifier: MIT
#include "reference/head.h"

#include <algorithm>

#include "reference/linear.h"
#include "reference/mhc.h"
#include "reference/number.h"
#include "reference/rms_norm.h"

namespace fathom::reference {

template <typename T>
Matrix<T> head_logits(const Matrix<T>& streams, const HyperConnectionWeights<T>& hc_head,
                      const std::vector<T>& norm, const Matrix<T>& lm_head, const ModelConfig& config) {
  Matrix<T> logits(streams.rows, lm_head.rows);
  for (int64_t t = 0; t < streams.rows; ++t) {
    std::vector<T> h = collapse_head(split_row(streams, t, config.hc_mult), hc_head, config);
    rms_norm(std::span<T>(h), std::span<const T>(norm), config.rms_norm_eps);
    std::ranges::copy(multiply(lm_head, std::span<const T>(h)), logits.row(t).begin());
  }
  return logits;
}

template Matrix<float> head_logits(const Matrix<float>&, const HyperConnectionWeights<float>&,
                                   const std::vector<float>&, const Matrix<float>&, const ModelConfig&);
template Matrix<double> head_logits(const Matrix<double>&, const HyperConnectionWeights<double>&,
                                    const std::vector<double>&, const Matrix<double>&, const ModelConfig&);
template Matrix<Complex> head_logits(const Matrix<Complex>&, const HyperConnectionWeights<Complex>&,
                                     const std::vector<Complex>&, const Matrix<Complex>&, const ModelConfig&);

}  // namespace fathom::reference
