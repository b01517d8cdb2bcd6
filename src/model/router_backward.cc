// SPDX-License-Identifier: MIT
#include "model/router_backward.h"

#include <algorithm>

#include "model/router.h"
#include "ops/linear_backward.h"
#include "ops/parallel.h"
#include "ops/route_backward.h"

namespace fathom {
namespace {

// Experts a token may go to; validated in the config.
constexpr size_t kMaxSlots = 64;

// d_scores [E] of one token through the weights of its experts.
void token_backward(BackwardStep& b, int64_t token) noexcept {
  const MoeActivations& a = b.step.acts.moe;
  const auto routes = a.routes.view().row_span(token);
  int32_t experts[kMaxSlots];
  float d_weights[kMaxSlots];
  for (size_t slot = 0; slot < routes.size(); ++slot) {
    experts[slot] = routes[slot].expert;
    d_weights[slot] =
        b.scratch.d_weight.view().at(a.slot_row.view().at(token, static_cast<int64_t>(slot)), 0);
  }
  const auto d_scores = b.scratch.d_scores.view().row_span(token);
  std::fill(d_scores.begin(), d_scores.end(), 0.0F);
  weigh_experts_backward<float>(a.scores.view().row_span(token), {experts, routes.size()},
                                {normalisation_of(b.step.config()), b.step.config().routed_scaling_factor},
                                {d_weights, routes.size()}, d_scores);
}

float sum_of(std::span<const float> x) noexcept {
  float sum = 0.0F;
  for (const float v : x) sum += v;
  return sum;
}

// One sequence: sum over experts of f_i P_i, f_i = E/(k T) times the tokens that went to expert i, constant,
// and P_i the mean share of its score. Adds the derivative to d_scores.
double balance_sequence(BackwardStep& b, RowRange rows) noexcept {
  const MoeActivations& a = b.step.acts.moe;
  std::vector<double>& fraction = b.scratch.balance;
  std::fill(fraction.begin(), fraction.end(), 0.0);
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    for (const Route& route : a.routes.view().row_span(t)) fraction[route.expert] += 1.0;
  }
  const auto tokens = static_cast<double>(rows.size());
  const double unit = static_cast<double>(fraction.size()) / (static_cast<double>(a.routes.cols()) * tokens);
  for (double& f : fraction) f *= unit;
  double loss = 0.0;
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    const auto scores = a.scores.view().row_span(t);
    const double total = sum_of(scores);
    double weighted = 0.0;  // sum over experts of f_i s_i / total
    for (size_t e = 0; e < scores.size(); ++e) weighted += fraction[e] * scores[e];
    weighted /= total;
    loss += weighted / tokens;
    const auto d_scores = b.scratch.d_scores.view().row_span(t);
    const double scale = static_cast<double>(b.wanted.balance_scale) / (tokens * total);
    for (size_t e = 0; e < scores.size(); ++e) {
      d_scores[e] += static_cast<float>(scale * (fraction[e] - weighted));
    }
  }
  return loss;
}

}  // namespace

void router_backward(BackwardStep& b, const LayerConfig& layer, MoeGradients& d_w) noexcept {
  FATHOM_CHECK(b.step.acts.moe.routes.cols() <= static_cast<int64_t>(kMaxSlots));
  parallel_rows(b.step.pool, b.step.rows, [&](int64_t t, int) { token_backward(b, t); });
  if (b.wanted.balance_scale != 0.0F && layer.router == RouterKind::kScored) {
    for (const RowRange& sequence : b.wanted.sequences) b.sums.balance += balance_sequence(b, sequence);
  }
  const Affinity affinity = affinity_of(b.step.config().scoring_func);
  parallel_rows(b.step.pool, b.step.rows, [&](int64_t t, int) {
    expert_scores_backward<float>(b.step.acts.moe.scores.view().row_span(t), affinity,
                                  b.scratch.d_scores.view().row_span(t));
  });
  const MatView<const float> d_logits = b.rows(b.scratch.d_scores);
  add_weight_gradient(b.step.pool, d_logits, b.rows(b.step.acts.hc.x), d_w.gate.d_w);
  add_input_gradient(b.step.pool, d_logits, d_w.gate.w, b.rows(b.scratch.d_x));
}

}  // namespace fathom
