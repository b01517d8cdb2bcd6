// SPDX-License-Identifier: MIT
// Backward ops in float32, on the tier that FATHOM_ISA names, against fixtures/units (architecture.md 2 to 6;
// tolerances of the fixtures' README).
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "golden/unit_fixtures.h"
#include "ops/attend_backward.h"
#include "ops/hc_mix.h"
#include "ops/hc_mix_backward.h"
#include "ops/rope.h"
#include "ops/route.h"
#include "ops/route_backward.h"
#include "ops/swiglu_backward.h"
#include "reference/rope.h"

namespace fathom {
namespace {

using reference::Matrix;

TEST(BackwardUnits, Swiglu) {
  const FixtureFile file("units/swiglu.safetensors");
  const auto gate = file.f32("g"), up = file.f32("u"), weight = file.f32("w"), d_out = file.f32("G");
  for (const std::string kind : {"clamped", "free"}) {
    const float limit = file.f32(kind + ".limit")[0];
    std::vector<float> d_gate(gate.size()), d_up(gate.size()), d_weight(gate.size());
    for (size_t i = 0; i < gate.size(); ++i) {
      d_weight[i] = swiglu_backward<float>(
          {gate.subspan(i, 1), up.subspan(i, 1), d_out.subspan(i, 1), weight[i], limit},
          std::span(d_gate).subspan(i, 1), std::span(d_up).subspan(i, 1));
    }
    for (const auto& [name, got] : {std::pair{".d_g", &d_gate}, {".d_u", &d_up}, {".d_w", &d_weight}}) {
      const auto want = file.f32(kind + name);
      // A few roundings of factors up to the largest element.
      expect_within(*got, want, 1e-6 * largest_magnitude(want), kind + name);
    }
  }
}

TEST(BackwardUnits, Routing) {
  const FixtureFile file("units/routing.safetensors");
  const auto logits = matrix_of<float>(file, "grad.logits");
  const auto d_weights = matrix_of<float>(file, "grad.G");
  const int64_t k = d_weights.cols;
  const auto want = file.f32("grad.d_logits");
  std::vector<float> got(want.size());
  for (int64_t t = 0; t < logits.rows; ++t) {
    std::vector<float> scores(logits.row(t).begin(), logits.row(t).end());
    expert_scores(scores, Affinity::kSqrtSoftplus);
    const auto d = std::span(got).subspan(static_cast<size_t>(t * logits.cols), scores.size());
    const auto experts = file.i32("grad.index").subspan(static_cast<size_t>(t * k), static_cast<size_t>(k));
    weigh_experts_backward<float>(scores, experts, {WeightNormalisation::kSum, 1.5}, d_weights.row(t), d);
    expert_scores_backward<float>(scores, Affinity::kSqrtSoftplus, d);
  }
  expect_within(got, want, 2e-6 * largest_magnitude(want), "d_logits");
}

TEST(BackwardUnits, SinkhornThroughAllRounds) {
  const FixtureFile file("units/mhc.safetensors");
  const HcSettings settings{.streams = 4, .sinkhorn_iters = 20, .hc_eps = 1e-6F};
  const auto want = file.f32("sinkhorn.grad.d_logits");
  std::vector<float> got;
  for (int64_t batch = 0; batch < 3; ++batch) {
    // Logits of pre and post 0, scale 1, base 0: the mix' comb is the plain Sinkhorn of its logits.
    std::vector<float> logits(24), base(24), d_logits(24), d_base(24), d_scale(3), none(4);
    const std::vector<float> scale(3, 1.0F);
    const auto m = row_of(file, "sinkhorn.grad.logits", batch);
    std::copy(m.begin(), m.end(), logits.begin() + 8);
    std::vector<float> scratch(hc_backward_scratch(settings));
    hc_mix_backward<float>({logits, scale, base, none, none, row_of(file, "sinkhorn.grad.G", batch), 1e-6F},
                           settings, scratch, d_logits, d_scale, d_base);
    got.insert(got.end(), d_logits.begin() + 8, d_logits.end());
  }
  expect_within(got, want, 2e-5 * largest_magnitude(want), "d_logits");
}

TEST(BackwardUnits, AttentionOfOneToken) {
  const FixtureFile file("units/attention.safetensors");
  const auto q = matrix_of<float>(file, "q");
  const auto keys = matrix_of<float>(file, "k");
  auto d_out = matrix_of<float>(file, "G");
  const auto angles = reference::rope_angles(rope_config(file.f64("rope")),
                                             static_cast<int>(file.f64("rope")[0]), file.i64("position")[0]);
  // The outputs are rotated back after the sum, so their gradient is rotated forth.
  for (int64_t h = 0; h < d_out.rows; ++h) reference::rotate(d_out.row(h), std::span<const float>(angles));
  Matrix<float> turned(keys.cols, keys.rows), weights(q.rows, keys.rows), d_weights(q.rows, keys.rows),
      d_q(q.rows, q.cols), d_keys(keys.rows, keys.cols);
  std::vector<float> d_sink(static_cast<size_t>(q.rows));
  const std::vector<uint8_t> allowed(static_cast<size_t>(keys.rows), 1);
  attend_backward<float>({.q = q.view(),
                          .keys = keys.view(),
                          .allowed = {allowed.data(), 1, keys.rows},
                          .attn_sink = file.f32("sink"),
                          .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(q.cols)))},
                         {turned.view(), weights.view(), d_weights.view()},
                         {d_out.view(), d_q.view(), d_keys.view(), d_sink});
  expect_within(weights.data, file.f32("weights"), 2e-6, "weights");
  expect_within(d_q.data, file.f32("d_q"), 2e-5 * largest_magnitude(file.f32("d_q")), "d_q");
  expect_within(d_keys.data, file.f32("d_k"), 2e-5 * largest_magnitude(file.f32("d_k")), "d_k");
  expect_within(d_sink, file.f32("d_sink"), 2e-5 * largest_magnitude(file.f32("d_sink")), "d_sink");
}

}  // namespace
}  // namespace fathom
