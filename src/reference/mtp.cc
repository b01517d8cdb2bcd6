// SPDX-License-Identifier: MIT
#include "reference/mtp.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "reference/head.h"
#include "reference/linear.h"
#include "reference/number.h"
#include "reference/rms_norm.h"

namespace fathom::reference {
namespace {

template <typename T>
std::vector<T> normed_linear(std::span<const T> x, const std::vector<T>& norm, const LinearWeights<T>& w,
                             const ModelConfig& config, Rounding rounding) {
  std::vector<T> normed(x.begin(), x.end());
  rms_norm(std::span<T>(normed), std::span<const T>(norm), config.rms_norm_eps);
  return linear(w, std::span<const T>(normed), rounding);
}

}  // namespace

template <typename T>
MtpOutput<T> mtp(const Matrix<T>& streams, std::span<const int32_t> tokens, const Weights<T>& w,
                 const ModelConfig& config, Rounding rounding) {
  FATHOM_CHECK(w.mtp.has_value() && !tokens.empty());
  const std::span<const int32_t> next_tokens = tokens.subspan(1);
  Matrix<T> x(static_cast<int64_t>(next_tokens.size()), streams.cols);
  for (int64_t t = 0; t < x.rows; ++t) {
    const std::vector<T> from_token =
        normed_linear(w.embed.row(next_tokens[t]), w.mtp->enorm, w.mtp->e_proj, config, rounding);
    const MatView<const T> from = split_row(streams, t, config.hc_mult);
    const MatView<T> to = split_row(x, t, config.hc_mult);
    for (int64_t j = 0; j < to.rows; ++j) {
      const std::vector<T> from_stream =
          normed_linear(from.row_span(j), w.mtp->hnorm, w.mtp->h_proj, config, rounding);
      for (int64_t d = 0; d < to.cols; ++d) to.at(j, d) = from_token[d] + from_stream[d];
    }
  }
  MtpOutput<T> out;
  out.choices = block(x, next_tokens, w.mtp->block, config.mtp_layer, config, rounding);
  out.logits = head_logits(x, w.mtp->hc_head, w.mtp->norm, w.head, config);
  return out;
}

template MtpOutput<float> mtp(const Matrix<float>&, std::span<const int32_t>, const Weights<float>&,
                              const ModelConfig&, Rounding);
template MtpOutput<double> mtp(const Matrix<double>&, std::span<const int32_t>, const Weights<double>&,
                               const ModelConfig&, Rounding);
template MtpOutput<Complex> mtp(const Matrix<Complex>&, std::span<const int32_t>, const Weights<Complex>&,
                                const ModelConfig&, Rounding);

}  // namespace fathom::reference
