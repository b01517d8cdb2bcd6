// SPDX-License-Identifier: MIT
#include "reference/transformer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "reference/head.h"
#include "reference/mtp.h"
#include "reference/number.h"

namespace fathom::reference {
namespace {

// n copies of each token's embedding: [T, n D].
template <typename T>
Matrix<T> embed(const Matrix<T>& table, std::span<const int32_t> tokens, int hc_mult) {
  Matrix<T> streams(static_cast<int64_t>(tokens.size()), hc_mult * table.cols);
  for (int64_t t = 0; t < streams.rows; ++t) {
    FATHOM_CHECK(tokens[t] >= 0 && tokens[t] < table.rows);
    const MatView<T> streams_of_token = split_row(streams, t, hc_mult);
    for (int64_t j = 0; j < streams_of_token.rows; ++j) {
      std::ranges::copy(table.row(tokens[t]), streams_of_token.row(j));
    }
  }
  return streams;
}

}  // namespace

template <typename T>
Output<T> forward(const ModelConfig& config, const Weights<T>& w, std::span<const int32_t> tokens,
                  const Options& options) {
  FATHOM_CHECK(!tokens.empty() && w.layers.size() == config.layers.size());
  Output<T> out;
  Matrix<T> streams = embed(w.embed, tokens, config.hc_mult);
  if (options.trace) out.streams.push_back(streams);
  for (size_t layer = 0; layer < config.layers.size(); ++layer) {
    LayerChoices choices =
        block(streams, tokens, w.layers[layer], config.layers[layer], config, options.rounding);
    if (!options.trace) continue;
    out.streams.push_back(streams);
    out.choices.push_back(std::move(choices));
  }
  out.logits = head_logits(streams, w.hc_head, w.norm, w.head, config);
  if (options.mtp && w.mtp) {
    MtpOutput<T> draft = mtp(streams, tokens, w, config, options.rounding);
    out.mtp_logits = std::move(draft.logits);
    if (options.trace) out.mtp_choices = std::move(draft.choices);
  }
  return out;
}

template Output<float> forward(const ModelConfig&, const Weights<float>&, std::span<const int32_t>,
                               const Options&);
template Output<double> forward(const ModelConfig&, const Weights<double>&, std::span<const int32_t>,
                                const Options&);
template Output<Complex> forward(const ModelConfig&, const Weights<Complex>&, std::span<const int32_t>,
                                 const Options&);

}  // namespace fathom::reference
