// SPDX-License-Identifier: MIT
#include "model/moe_backward.h"

#include <algorithm>

#include "model/router_backward.h"
#include "ops/linear.h"
#include "ops/linear_backward.h"
#include "ops/parallel.h"
#include "ops/row.h"
#include "ops/swiglu_backward.h"

namespace fathom {
namespace {

// One expert's rows in the backward pass: of the grouped rows, or the whole batch for the shared expert.
struct ExpertPass {
  const ExpertWeights& w;
  ExpertGradients& d_w;
  MatView<const float> x;       // what entered W_1 and W_3
  MatView<const float> hidden;  // what entered W_2
  MatView<float> gate;          // W_1 x again, then its derivative
  MatView<float> up;            // W_3 x, then its derivative
  MatView<const float> d_y;
  MatView<float> d_hidden;
  MatView<float> d_x;  // +=
};

// Calls use(pass) for every expert with work, the shared one last.
template <typename Use>
void for_each_expert(BackwardStep& b, const MoeWeights& w, MoeGradients& d_w, const Use& use) noexcept {
  MoeActivations& a = b.step.acts.moe;
  BackwardScratch& s = b.scratch;
  for (size_t e = 0; e + 1 < a.expert_begin.size(); ++e) {
    const int64_t first = a.expert_begin[e];
    const int64_t rows = a.expert_begin[e + 1] - first;
    if (rows == 0) continue;
    const auto part = [&](MatBuf<float>& buf) { return buf.view().slice_rows(first, rows); };
    use(ExpertPass{w.experts[e], d_w.experts[e], part(a.x), part(a.gate), part(s.gate), part(a.up),
                   part(s.d_yg), part(s.d_hidden), part(s.d_xg)});
  }
  if (!w.shared_experts) return;
  const bool quantize = b.step.quantizes(w.shared_experts->w1);
  use(ExpertPass{*w.shared_experts, *d_w.shared_experts,
                 b.rows(quantize ? b.step.acts.hc.x_quant : b.step.acts.hc.x), b.rows(a.shared_gate),
                 b.rows(s.shared_gate), b.rows(a.shared_up), b.rows(s.d_y), b.rows(s.shared_d_hidden),
                 b.rows(s.d_x)});
}

void gather_output_gradients(BackwardStep& b) noexcept {
  const MoeActivations& a = b.step.acts.moe;
  parallel_rows(b.step.pool, b.step.rows, [&](int64_t t, int) {
    const auto d_y = b.scratch.d_y.view().row_span(t);
    for (const int32_t row : a.slot_row.view().row_span(t)) {
      std::copy(d_y.begin(), d_y.end(), b.scratch.d_yg.view().row(row));
    }
  });
}

// Through W_2, and W_1 x made anew.
void down_stage(BackwardStep& b, const MoeWeights& w, MoeGradients& d_w) noexcept {
  const int workers = b.step.pool.size();
  b.step.pool.run([&](int worker) {
    for_each_expert(b, w, d_w, [&](const ExpertPass& p) {
      add_input_gradient_part(p.d_y, p.d_w.w2.w, p.d_hidden, worker, workers);
      add_weight_gradient_part(p.d_y, p.hidden, p.d_w.w2.d_w, worker, workers);
      const PartRange part = part_range(p.w.w1.rows, worker, workers, 16);
      linear_rows({p.x, &p.w.w1, p.gate, b.step.x_precision(p.w.w1)}, part.begin, part.end);
    });
  });
}

// Through the activation; the derivative by the routing weight goes to scratch.d_weight.
void activation_stage(BackwardStep& b, const MoeWeights& w) noexcept {
  MoeActivations& a = b.step.acts.moe;
  BackwardScratch& s = b.scratch;
  const auto limit = static_cast<float>(b.step.config().swiglu_limit);
  parallel_rows(b.step.pool, b.step.rows, [&](int64_t t, int) {
    for (const int32_t row : a.slot_row.view().row_span(t)) {
      const auto gate = s.gate.view().row_span(row);
      const auto up = a.up.view().row_span(row);
      s.d_weight.view().at(row, 0) = swiglu_backward<float>(
          {gate, up, s.d_hidden.view().row_span(row), a.weight.view().at(row, 0), limit}, gate, up);
    }
    if (!w.shared_experts) return;
    const auto gate = s.shared_gate.view().row_span(t);
    const auto up = a.shared_up.view().row_span(t);
    swiglu_backward<float>({gate, up, s.shared_d_hidden.view().row_span(t), 1.0F, limit}, gate, up);
  });
}

// Through W_1 and W_3.
void up_stage(BackwardStep& b, const MoeWeights& w, MoeGradients& d_w) noexcept {
  const int workers = b.step.pool.size();
  b.step.pool.run([&](int worker) {
    for_each_expert(b, w, d_w, [&](const ExpertPass& p) {
      add_input_gradient_part(p.gate, p.d_w.w1.w, p.d_x, worker, workers);
      add_input_gradient_part(p.up, p.d_w.w3.w, p.d_x, worker, workers);
      add_weight_gradient_part(p.gate, p.x, p.d_w.w1.d_w, worker, workers);
      add_weight_gradient_part(p.up, p.x, p.d_w.w3.d_w, worker, workers);
    });
  });
}

}  // namespace

void moe_backward(BackwardStep& b, const LayerConfig& layer, const MoeWeights& w,
                  MoeGradients& d_w) noexcept {
  ThreadPool& pool = b.step.pool;
  const int64_t slots = b.step.rows * b.step.acts.moe.routes.cols();
  gather_output_gradients(b);
  clear_rows(pool, b.scratch.d_hidden.view().slice_rows(0, slots));
  clear_rows(pool, b.scratch.d_xg.view().slice_rows(0, slots));
  clear_rows(pool, b.rows(b.scratch.shared_d_hidden));
  clear_rows(pool, b.rows(b.scratch.d_x));
  down_stage(b, w, d_w);
  activation_stage(b, w);
  up_stage(b, w, d_w);
  parallel_rows(pool, b.step.rows, [&](int64_t t, int) {
    for (const int32_t row : b.step.acts.moe.slot_row.view().row_span(t)) {
      add_row(b.scratch.d_xg.view().row_span(row), b.scratch.d_x.view().row_span(t));
    }
  });
  router_backward(b, layer, d_w);
}

}  // namespace fathom
