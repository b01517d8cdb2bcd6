// SPDX-License-Identifier: MIT
#include "reference/block.h"

#include <algorithm>

#include "reference/attention.h"
#include "reference/mhc.h"
#include "reference/moe.h"
#include "reference/number.h"
#include "reference/rms_norm.h"

namespace fathom::reference {
namespace {

// A sublayer's normed input and how its output returns to the streams.
template <typename T>
struct SublayerInput {
  Matrix<T> x;                                  // [T, D]
  std::vector<HyperConnection<T>> connections;  // [T]
};

template <typename T>
SublayerInput<T> enter_sublayer(const Matrix<T>& streams, const HyperConnectionWeights<T>& hc,
                                const std::vector<T>& norm, const ModelConfig& config) {
  SublayerInput<T> in{Matrix<T>(streams.rows, config.hidden_size), {}};
  for (int64_t t = 0; t < streams.rows; ++t) {
    const MatView<const T> streams_of_token = split_row(streams, t, config.hc_mult);
    in.connections.push_back(hyper_connection(streams_of_token, hc, config));
    std::ranges::copy(collapse(streams_of_token, std::span<const T>(in.connections.back().pre)),
                      in.x.row(t).begin());
    rms_norm(in.x.row(t), std::span<const T>(norm), config.rms_norm_eps);
  }
  return in;
}

template <typename T>
void leave_sublayer(Matrix<T>& streams, const SublayerInput<T>& in, const Matrix<T>& y,
                    const ModelConfig& config) {
  for (int64_t t = 0; t < streams.rows; ++t) {
    update_streams(split_row(streams, t, config.hc_mult), in.connections[t], y.row(t));
  }
}

template <typename T>
LayerChoices choices_of(const std::vector<Route<T>>& routes, EntryChoices entries,
                        const ModelConfig& config) {
  LayerChoices choices{Matrix<int32_t>(static_cast<int64_t>(routes.size()), config.num_experts_per_tok),
                       {},
                       std::move(entries)};
  for (size_t t = 0; t < routes.size(); ++t) {
    std::ranges::copy(routes[t].experts, choices.experts.row(static_cast<int64_t>(t)).begin());
    choices.expert_margins.push_back(routes[t].margin);
  }
  return choices;
}

}  // namespace

template <typename T>
LayerChoices block(Matrix<T>& streams, std::span<const int32_t> tokens, const BlockWeights<T>& w,
                   const LayerConfig& layer, const ModelConfig& config, Rounding rounding) {
  const SublayerInput<T> attn_in = enter_sublayer(streams, w.hc_attn, w.attn_norm, config);
  AttentionOutput<T> attn = attention(attn_in.x, w.attn, layer, config, rounding);
  leave_sublayer(streams, attn_in, attn.y, config);

  const SublayerInput<T> ffn_in = enter_sublayer(streams, w.hc_ffn, w.ffn_norm, config);
  const MoeOutput<T> ffn = moe(ffn_in.x, tokens, w.ffn, config, rounding);
  leave_sublayer(streams, ffn_in, ffn.y, config);
  return choices_of(ffn.routes, std::move(attn.choices), config);
}

template LayerChoices block(Matrix<float>&, std::span<const int32_t>, const BlockWeights<float>&,
                            const LayerConfig&, const ModelConfig&, Rounding);
template LayerChoices block(Matrix<double>&, std::span<const int32_t>, const BlockWeights<double>&,
                            const LayerConfig&, const ModelConfig&, Rounding);
template LayerChoices block(Matrix<Complex>&, std::span<const int32_t>, const BlockWeights<Complex>&,
                            const LayerConfig&, const ModelConfig&, Rounding);

}  // namespace fathom::reference
