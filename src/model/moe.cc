// SPDX-License-Identifier: MIT
#include "model/moe.h"

#include <algorithm>

#include "model/router.h"
#include "ops/linear.h"
#include "ops/parallel.h"
#include "ops/row.h"
#include "ops/swiglu.h"

namespace fathom {
namespace {

// Counting sort of (token, slot) by expert: each expert's rows become contiguous, in token order.
void group_by_expert(StepContext& step) noexcept {
  MoeActivations& a = step.acts.moe;
  std::fill(a.expert_begin.begin(), a.expert_begin.end(), 0);
  for (int64_t t = 0; t < step.rows; ++t) {
    for (const Route& route : a.routes.view().row_span(t)) ++a.expert_begin[route.expert + 1];
  }
  for (size_t e = 1; e < a.expert_begin.size(); ++e) a.expert_begin[e] += a.expert_begin[e - 1];
  // expert_begin[e] moves to the end of expert e while rows are placed, and is moved back after.
  for (int64_t t = 0; t < step.rows; ++t) {
    for (int64_t slot = 0; slot < a.routes.cols(); ++slot) {
      const Route& route = a.routes.view().at(t, slot);
      const int64_t row = a.expert_begin[route.expert]++;
      a.slot_row.view().at(t, slot) = static_cast<int32_t>(row);
      a.weight.view().at(row, 0) = route.weight;
    }
  }
  for (size_t e = a.expert_begin.size() - 1; e > 0; --e) a.expert_begin[e] = a.expert_begin[e - 1];
  a.expert_begin[0] = 0;
}

void gather_inputs(StepContext& step, const MoeWeights& w) noexcept {
  MoeActivations& a = step.acts.moe;
  const HcActivations& hc = step.acts.hc;
  parallel_rows(step.pool, step.rows, [&](int64_t t, int) {
    for (int64_t slot = 0; slot < a.routes.cols(); ++slot) {
      const WeightView& w1 = w.experts[a.routes.view().at(t, slot).expert].w1;
      const auto x = (step.quantizes(w1) ? hc.x_quant : hc.x).view().row_span(t);
      std::copy(x.begin(), x.end(), a.x.view().row(a.slot_row.view().at(t, slot)));
    }
  });
}

// Calls job(expert index, first grouped row, rows) for every expert with work.
template <typename Job>
void for_each_busy_expert(const MoeActivations& a, const Job& job) noexcept {
  for (size_t e = 0; e + 1 < a.expert_begin.size(); ++e) {
    const int64_t rows = a.expert_begin[e + 1] - a.expert_begin[e];
    if (rows > 0) job(e, a.expert_begin[e], rows);
  }
}

// One worker's share of the rows of one product.
void share_of(StepContext& step, const LinearJob& job, int worker) noexcept {
  const PartRange part = part_range(job.w->rows, worker, step.pool.size(), 16);
  linear_rows(job, part.begin, part.end);
}

// Calls use(job) with W_1 and W_3 of every busy expert and of the shared one.
template <typename Use>
void each_up_projection(StepContext& step, const MoeWeights& w, const Use& use) noexcept {
  MoeActivations& a = step.acts.moe;
  for_each_busy_expert(a, [&](size_t e, int64_t first, int64_t rows) {
    const auto x = a.x.view().slice_rows(first, rows);
    const XPrecision precision = step.x_precision(w.experts[e].w1);  // x is theirs both
    use(LinearJob{x, &w.experts[e].w1, a.gate.view().slice_rows(first, rows), precision});
    use(LinearJob{x, &w.experts[e].w3, a.up.view().slice_rows(first, rows), precision});
  });
  if (!w.shared_experts) return;
  const bool quantize = step.quantizes(w.shared_experts->w1);
  const auto x = (quantize ? step.acts.hc.x_quant : step.acts.hc.x).view().slice_rows(0, step.rows);
  const XPrecision precision = step.x_precision(w.shared_experts->w1);
  use(LinearJob{x, &w.shared_experts->w1, a.shared_gate.view().slice_rows(0, step.rows), precision});
  use(LinearJob{x, &w.shared_experts->w3, a.shared_up.view().slice_rows(0, step.rows), precision});
}

// Calls use(job) with W_2 of every busy expert and of the shared one.
template <typename Use>
void each_down_projection(StepContext& step, const MoeWeights& w, const Use& use) noexcept {
  MoeActivations& a = step.acts.moe;
  for_each_busy_expert(a, [&](size_t e, int64_t first, int64_t rows) {
    use(LinearJob{a.gate.view().slice_rows(first, rows), &w.experts[e].w2, a.y.view().slice_rows(first, rows),
                  step.x_precision(w.experts[e].w2)});
  });
  if (!w.shared_experts) return;
  use(LinearJob{a.shared_gate.view().slice_rows(0, step.rows), &w.shared_experts->w2,
                a.shared_y.view().slice_rows(0, step.rows), step.x_precision(w.shared_experts->w2)});
}

// Runs the products that each_job names as one stage.
template <typename EachJob>
void run_products(StepContext& step, const EachJob& each_job) noexcept {
  StageWork work;
  each_job([&](const LinearJob& job) { work.nanoseconds += linear_work(job).nanoseconds; });
  step.pool.run(work,
                [&](int worker) { each_job([&](const LinearJob& job) { share_of(step, job, worker); }); });
}

// gate <- weight * silu(gate) * up, then the round trip in front of W_2.
void activate(StepContext& step, const WeightView& w2, float weight, std::span<float> gate,
              std::span<const float> up) noexcept {
  swiglu(gate, up, weight, static_cast<float>(step.config().swiglu_limit), gate);
  if (step.quantizes(w2)) quantize_activations(gate, gate);
}

void activations(StepContext& step, const MoeWeights& w) noexcept {
  MoeActivations& a = step.acts.moe;
  parallel_rows(step.pool, step.rows, [&](int64_t t, int) {
    for (int64_t slot = 0; slot < a.routes.cols(); ++slot) {
      const int64_t row = a.slot_row.view().at(t, slot);
      const WeightView& w2 = w.experts[a.routes.view().at(t, slot).expert].w2;
      activate(step, w2, a.weight.view().at(row, 0), a.gate.view().row_span(row), a.up.view().row_span(row));
    }
    if (w.shared_experts) {
      activate(step, w.shared_experts->w2, 1.0F, a.shared_gate.view().row_span(t),
               a.shared_up.view().row_span(t));
    }
  });
}

// y = experts in routing order, then the shared one: an order that does not depend on the batch
// (design.md 10.3).
void sum_outputs(StepContext& step, const MoeWeights& w) noexcept {
  MoeActivations& a = step.acts.moe;
  parallel_rows(step.pool, step.rows, [&](int64_t t, int) {
    const auto y = step.acts.hc.y.view().row_span(t);
    std::fill(y.begin(), y.end(), 0.0F);
    for (const int32_t row : a.slot_row.view().row_span(t)) add_row(a.y.view().row_span(row), y);
    if (w.shared_experts) add_row(a.shared_y.view().row_span(t), y);
  });
}

}  // namespace

void moe_forward(StepContext& step, const LayerConfig& layer, const MoeWeights& w) noexcept {
  step.enter(Stage::kRouter);
  router_forward(step, layer, w);
  step.enter(Stage::kExperts);
  group_by_expert(step);
  gather_inputs(step, w);
  run_products(step, [&](const auto& use) { each_up_projection(step, w, use); });
  activations(step, w);
  run_products(step, [&](const auto& use) { each_down_projection(step, w, use); });
  sum_outputs(step, w);
}

}  // namespace fathom
