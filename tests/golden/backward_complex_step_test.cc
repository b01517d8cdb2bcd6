// SPDX-License-Identifier: MIT
// Every backward op in double against the complex step of the reference: d/dx f(x) = Im f(x + i h) / h, exact
// to rounding because nothing is subtracted (training.md 3; design.md 15).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "ops/attend_backward.h"
#include "ops/cross_entropy.h"
#include "ops/hc_mix_backward.h"
#include "ops/index_loss.h"
#include "ops/pool_backward.h"
#include "ops/rms_norm_backward.h"
#include "ops/route_backward.h"
#include "ops/swiglu_backward.h"
#include "reference/attention.h"
#include "reference/compressor.h"
#include "reference/indexer.h"
#include "reference/mhc.h"
#include "reference/moe.h"
#include "reference/number.h"
#include "reference/rms_norm.h"
#include "reference/router.h"

namespace fathom {
namespace {

using reference::Complex;
using reference::Matrix;

constexpr double kStep = 1e-150;
// Sums of up to some hundred terms of size one, in double.
constexpr double kBound = 1e-10;

class Numbers {
 public:
  explicit Numbers(unsigned seed) : rng_(seed) {}
  std::vector<double> operator()(size_t count, double scale = 1.0) {
    std::vector<double> values(count);
    for (double& v : values) v = scale * normal_(rng_);
    return values;
  }

 private:
  std::mt19937 rng_;
  std::normal_distribution<double> normal_;
};

std::vector<Complex> complex_of(const std::vector<double>& x) { return {x.begin(), x.end()}; }

Matrix<Complex> complex_matrix(const std::vector<Complex>& x, int64_t rows) {
  Matrix<Complex> m(rows, static_cast<int64_t>(x.size()) / rows);
  m.data = x;
  return m;
}

Complex weighted_sum(std::span<const Complex> out, const std::vector<double>& g) {
  Complex sum = 0.0;
  for (size_t i = 0; i < out.size(); ++i) sum += g[i] * out[i];
  return sum;
}

using Loss = std::function<Complex(const std::vector<Complex>&)>;

// The derivative of `loss` at x against `got`, relative to its largest element.
void expect_derivative(const std::vector<double>& x, const Loss& loss, std::span<const double> got,
                       const std::string& what) {
  ASSERT_EQ(x.size(), got.size()) << what;
  std::vector<double> want(x.size());
  std::vector<Complex> at = complex_of(x);
  double largest = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    at[i] = Complex(x[i], kStep);
    want[i] = loss(at).imag() / kStep;
    at[i] = x[i];
    largest = std::max(largest, std::fabs(want[i]));
  }
  EXPECT_GT(largest, 0.0) << what << ": nothing is tested";
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(got[i], want[i], kBound * std::max(1.0, largest)) << what << ", element " << i;
  }
}

TEST(Backward, RmsNorm) {
  Numbers numbers(1);
  const auto x = numbers(13), gain = numbers(13), g = numbers(13);
  std::vector<double> d_x(13), d_gain(13), d_scaled(13);
  rms_norm_backward<double>(x, gain, 1e-6, g, d_x, d_gain);
  const auto out = [&](const std::vector<Complex>& row, const std::vector<Complex>& weights) {
    std::vector<Complex> y = row;
    reference::rms_norm(std::span<Complex>(y), std::span<const Complex>(weights), 1e-6);
    return weighted_sum(y, g);
  };
  expect_derivative(x, [&](const auto& at) { return out(at, complex_of(gain)); }, d_x, "x");
  expect_derivative(gain, [&](const auto& at) { return out(complex_of(x), at); }, d_gain, "gain");
  rms_scale_backward<double>(x, 1e-6, g, d_scaled);
  const std::vector<Complex> ones(13, 1.0);
  expect_derivative(x, [&](const auto& at) { return out(at, ones); }, d_scaled, "x without gain");
}

// pre, post and comb of the reference from logits, scale and base.
Complex mix_loss(const std::vector<Complex>& logits, const std::vector<Complex>& scale,
                 const std::vector<Complex>& base, const std::vector<double>& g, const HcSettings& settings) {
  const int n = settings.streams;
  std::vector<Complex> out(logits.size());
  Matrix<Complex> comb(n, n);
  for (int i = 0; i < (2 + n) * n; ++i) {
    const int part = i < n ? 0 : i < 2 * n ? 1 : 2;
    const Complex v = logits[i] * scale[part] + base[i];
    if (part == 0) out[i] = reference::sigmoid(v) + 1e-6;
    if (part == 1) out[i] = 2.0 * reference::sigmoid(v);
    if (part == 2) comb.data[i - 2 * n] = v;
  }
  reference::sinkhorn(comb, settings.sinkhorn_iters, 1e-6);
  std::copy(comb.data.begin(), comb.data.end(), out.begin() + 2 * n);
  return weighted_sum(out, g);
}

TEST(Backward, HyperConnectionMixThroughEverySinkhornRound) {
  for (const HcSettings settings : {HcSettings{4, 20, 1e-6F}, {3, 7, 1e-6F}, {2, 1, 1e-6F}, {1, 2, 1e-6F}}) {
    SCOPED_TRACE(settings.streams);
    Numbers numbers(2);
    const auto n = static_cast<size_t>(settings.streams);
    const size_t size = (2 + n) * n;
    const auto logits = numbers(size), scale = numbers(3), base = numbers(size), g = numbers(size);
    std::vector<double> scratch(hc_backward_scratch(settings)), d_logits(size), d_scale(3), d_base(size);
    hc_mix_backward<double>({.logits = logits,
                             .scale = scale,
                             .base = base,
                             .d_pre = std::span(g).first(n),
                             .d_post = std::span(g).subspan(n, n),
                             .d_comb = std::span(g).subspan(2 * n),
                             .hc_eps = 1e-6},
                            settings, scratch, d_logits, d_scale, d_base);
    const auto l = complex_of(logits), s = complex_of(scale), b = complex_of(base);
    expect_derivative(
        logits, [&](const auto& at) { return mix_loss(at, s, b, g, settings); }, d_logits, "logits");
    expect_derivative(
        scale, [&](const auto& at) { return mix_loss(l, at, b, g, settings); }, d_scale, "scale");
    expect_derivative(base, [&](const auto& at) { return mix_loss(l, s, at, g, settings); }, d_base, "base");
  }
}

TEST(Backward, HyperConnectionHead) {
  Numbers numbers(3);
  const auto logits = numbers(4), scale = numbers(1), base = numbers(4), g = numbers(4);
  std::vector<double> d_logits(4), d_base(4);
  const double d_scale = hc_head_mix_backward<double>(logits, scale[0], base, g, d_logits, d_base);
  const auto loss = [&](const std::vector<Complex>& l, const std::vector<Complex>& s,
                        const std::vector<Complex>& b) {
    std::vector<Complex> out(4);
    for (size_t j = 0; j < 4; ++j) out[j] = reference::sigmoid(l[j] * s[0] + b[j]);
    return weighted_sum(out, g);
  };
  const auto l = complex_of(logits), s = complex_of(scale), b = complex_of(base);
  expect_derivative(logits, [&](const auto& at) { return loss(at, s, b); }, d_logits, "logits");
  expect_derivative(scale, [&](const auto& at) { return loss(l, at, b); }, {&d_scale, 1}, "scale");
  expect_derivative(base, [&](const auto& at) { return loss(l, s, at); }, d_base, "base");
}

TEST(Backward, SwigluWithItsClamps) {
  for (const double limit : {0.0, 0.7}) {
    SCOPED_TRACE(limit);
    Numbers numbers(4);
    const auto gate = numbers(40), up = numbers(40), weight = numbers(1), g = numbers(40);
    std::vector<double> d_gate(40), d_up(40);
    const double d_weight = swiglu_backward<double>({gate, up, g, weight[0], limit}, d_gate, d_up);
    const auto loss = [&](const std::vector<Complex>& a, const std::vector<Complex>& u, Complex w) {
      std::vector<Complex> out(40);
      for (size_t i = 0; i < 40; ++i) out[i] = reference::swiglu(a[i], u[i], w, limit);
      return weighted_sum(out, g);
    };
    const auto a = complex_of(gate), u = complex_of(up);
    expect_derivative(gate, [&](const auto& at) { return loss(at, u, weight[0]); }, d_gate, "gate");
    expect_derivative(up, [&](const auto& at) { return loss(a, at, weight[0]); }, d_up, "up");
    expect_derivative(weight, [&](const auto& at) { return loss(a, u, at[0]); }, {&d_weight, 1}, "weight");
  }
}

TEST(Backward, RouterWithEveryScoringFunction) {
  struct Case {
    ScoringFunc func;
    Affinity affinity;
    WeightNormalisation normalisation;
  };
  for (const Case& c : {Case{ScoringFunc::kSqrtSoftplus, Affinity::kSqrtSoftplus, WeightNormalisation::kSum},
                        {ScoringFunc::kSigmoid, Affinity::kSigmoid, WeightNormalisation::kSum},
                        {ScoringFunc::kSoftmax, Affinity::kSoftmax, WeightNormalisation::kNone}}) {
    Numbers numbers(5);
    auto logits = numbers(9, 3.0);
    logits[4] = -30.0;  // a score whose square vanishes beside 1
    const std::vector<int32_t> experts = {7, 4, 2};
    const auto g = numbers(3);
    ModelConfig config;
    config.scoring_func = c.func;
    config.routed_scaling_factor = 1.5;
    config.norm_topk_prob = c.normalisation == WeightNormalisation::kSum;
    const auto scores = reference::expert_scores(std::span<const double>(logits), c.func);
    std::vector<double> d(9);
    weigh_experts_backward<double>(scores, experts, {c.normalisation, 1.5}, g, d);
    expert_scores_backward<double>(scores, c.affinity, d);
    const auto loss = [&](const std::vector<Complex>& at) {
      const auto s = reference::expert_scores(std::span<const Complex>(at), c.func);
      return weighted_sum(reference::expert_weights(std::span<const Complex>(s), std::span(experts), config),
                          g);
    };
    expect_derivative(logits, loss, d, "logits");
  }
}

TEST(Backward, PoolingOfBothKindsOfCompressors) {
  for (const LayerKind kind : {LayerKind::kCsa, LayerKind::kHca}) {
    Numbers numbers(6);
    LayerConfig layer;
    layer.kind = kind;
    layer.compress_ratio = 3;
    const int64_t dim = 5;
    const int64_t width = layer.compressor_width(static_cast<int>(dim));
    const auto c = numbers(static_cast<size_t>(6 * width)), z = numbers(static_cast<size_t>(6 * width));
    const auto g = numbers(static_cast<size_t>(2 * dim));
    std::vector<double> d_c(c.size()), d_z(z.size());
    for (int64_t entry = 0; entry < 2; ++entry) {
      std::vector<const double*> c_rows, z_rows;
      std::vector<double*> d_c_rows, d_z_rows;
      const auto add = [&](int64_t row, int64_t half) {
        c_rows.push_back(c.data() + row * width + half);
        z_rows.push_back(z.data() + row * width + half);
        d_c_rows.push_back(d_c.data() + row * width + half);
        d_z_rows.push_back(d_z.data() + row * width + half);
      };
      if (layer.overlap() && entry > 0) {
        for (int64_t row = 0; row < 3; ++row) add(row, 0);
      }
      for (int64_t row = 3 * entry; row < 3 * entry + 3; ++row) add(row, layer.overlap() ? dim : 0);
      pool_rows_backward<double>(
          {c_rows, z_rows, std::span(g).subspan(static_cast<size_t>(entry * dim), dim)}, d_c_rows, d_z_rows);
    }
    const Matrix<Complex> ape(3, width);
    const auto loss = [&](const std::vector<Complex>& cs, const std::vector<Complex>& zs) {
      return weighted_sum(reference::pool(complex_matrix(cs, 6), complex_matrix(zs, 6), ape, layer).data, g);
    };
    expect_derivative(c, [&](const auto& at) { return loss(at, complex_of(z)); }, d_c, "C");
    expect_derivative(z, [&](const auto& at) { return loss(complex_of(c), at); }, d_z, "Z");
  }
}

// One block of tokens whose visible rows differ.
struct AttendCase {
  static constexpr int64_t kTokens = 3, kHeads = 2, kKeys = 7, kDim = 6;
  Numbers numbers{7};
  std::vector<double> q = numbers(kTokens * kHeads * kDim), keys = numbers(kKeys * kDim),
                      sink = numbers(kHeads), g = numbers(kTokens * kHeads * kDim);
  std::vector<uint8_t> allowed = {1, 1, 0, 0, 1, 0, 0, /**/ 1, 1, 1, 0, 1, 1, 0, /**/ 0, 1, 1, 1, 0, 0, 0};

  Complex loss(const std::vector<Complex>& q_at, const std::vector<Complex>& keys_at,
               const std::vector<Complex>& sink_at) const {
    Complex sum = 0.0;
    for (int64_t t = 0; t < kTokens; ++t) {
      Matrix<Complex> seen(0, kDim);
      for (int64_t s = 0; s < kKeys; ++s) {
        if (allowed[static_cast<size_t>(t * kKeys + s)] == 0) continue;
        ++seen.rows;
        seen.data.insert(seen.data.end(), keys_at.begin() + s * kDim, keys_at.begin() + (s + 1) * kDim);
      }
      const MatView<const Complex> heads(q_at.data() + t * kHeads * kDim, kHeads, kDim);
      const Matrix<Complex> o = reference::attend(heads, seen, std::span<const Complex>(sink_at));
      for (size_t i = 0; i < o.data.size(); ++i)
        sum += g[static_cast<size_t>(t * kHeads * kDim) + i] * o.data[i];
    }
    return sum;
  }
};

TEST(Backward, AttentionWithSinkAndKeysThatAreValues) {
  AttendCase c;
  constexpr int64_t kRows = AttendCase::kTokens * AttendCase::kHeads;
  Matrix<double> turned(AttendCase::kDim, AttendCase::kKeys), weights(kRows, AttendCase::kKeys),
      d_weights(kRows, AttendCase::kKeys), d_q(kRows, AttendCase::kDim),
      d_keys(AttendCase::kKeys, AttendCase::kDim);
  std::vector<double> d_sink(AttendCase::kHeads);
  attend_backward<double>({.q = {c.q.data(), kRows, AttendCase::kDim},
                           .keys = {c.keys.data(), AttendCase::kKeys, AttendCase::kDim},
                           .allowed = {c.allowed.data(), AttendCase::kTokens, AttendCase::kKeys},
                           .attn_sink = c.sink,
                           .scale = 1.0 / std::sqrt(static_cast<double>(AttendCase::kDim))},
                          {turned.view(), weights.view(), d_weights.view()},
                          {{c.g.data(), kRows, AttendCase::kDim}, d_q.view(), d_keys.view(), d_sink});
  const auto q = complex_of(c.q), keys = complex_of(c.keys), sink = complex_of(c.sink);
  expect_derivative(c.q, [&](const auto& at) { return c.loss(at, keys, sink); }, d_q.data, "q");
  expect_derivative(c.keys, [&](const auto& at) { return c.loss(q, at, sink); }, d_keys.data, "keys");
  expect_derivative(c.sink, [&](const auto& at) { return c.loss(q, keys, at); }, d_sink, "sink");
}

// KL(p, softmax(scores)) of one token over what it may attend to, p constant.
Complex divergence(const std::vector<double>& teacher, const std::vector<Complex>& scores) {
  Complex total = 0.0;
  for (const Complex& s : scores) total += std::exp(s);
  Complex loss = 0.0;
  for (size_t i = 0; i < scores.size(); ++i)
    loss += teacher[i] * (std::log(teacher[i]) - scores[i] + std::log(total));
  return loss;
}

TEST(Backward, IndexerLossWithAttentionWeightsAsTeacher) {
  constexpr int64_t kTokens = 2, kHeads = 3, kAttentionHeads = 2, kKeys = 5, kDim = 4;
  Numbers numbers(8);
  const auto q = numbers(kTokens * kHeads * kDim), keys = numbers(kKeys * kDim),
             w = numbers(kTokens * kHeads);
  std::vector<double> attention = numbers(kTokens * kAttentionHeads * kKeys);
  for (double& a : attention) a = std::exp(a);
  const std::vector<uint8_t> allowed = {1, 0, 1, 1, 0, /**/ 1, 1, 1, 1, 1};
  Matrix<double> turned(kDim, kKeys), dots(kTokens * kHeads, kKeys), teacher(kTokens, kKeys),
      scores(kTokens, kKeys), d_q(kTokens * kHeads, kDim), d_w(kTokens, kHeads), d_keys(kKeys, kDim);
  const double got = index_loss_backward<double>(
      {.q = {q.data(), kTokens * kHeads, kDim},
       .head_weights = {w.data(), kTokens, kHeads},
       .keys = {keys.data(), kKeys, kDim},
       .allowed = {allowed.data(), kTokens, kKeys},
       .attention = {attention.data(), kTokens * kAttentionHeads, kKeys},
       .loss_scale = 0.5},
      {turned.view(), dots.view(), teacher.view(), scores.view()}, {d_q.view(), d_w.view(), d_keys.view()});
  const auto loss = [&](const std::vector<Complex>& qs, const std::vector<Complex>& ks,
                        const std::vector<Complex>& ws) {
    Complex sum = 0.0;
    for (int64_t t = 0; t < kTokens; ++t) {
      const std::vector<Complex> all = reference::index_scores<Complex>(
          {qs.data() + t * kHeads * kDim, kHeads, kDim}, {ks.data(), kKeys, kDim},
          std::span(ws).subspan(static_cast<size_t>(t * kHeads), kHeads));
      std::vector<double> p;
      std::vector<Complex> seen;
      double total = 0.0;
      for (int64_t s = 0; s < kKeys; ++s) {
        if (allowed[static_cast<size_t>(t * kKeys + s)] == 0) continue;
        seen.push_back(all[static_cast<size_t>(s)]);
        p.push_back(attention[static_cast<size_t>(t * 2 * kKeys + s)] +
                    attention[static_cast<size_t>((t * 2 + 1) * kKeys + s)]);
        total += p.back();
      }
      for (double& v : p) v /= total;
      sum += divergence(p, seen);
    }
    return 0.5 * sum;
  };
  const auto qc = complex_of(q), kc = complex_of(keys), wc = complex_of(w);
  EXPECT_NEAR(0.5 * got, loss(qc, kc, wc).real(), 1e-12);
  expect_derivative(q, [&](const auto& at) { return loss(at, kc, wc); }, d_q.data, "q");
  expect_derivative(keys, [&](const auto& at) { return loss(qc, at, wc); }, d_keys.data, "keys");
  expect_derivative(w, [&](const auto& at) { return loss(qc, kc, at); }, d_w.data, "head weights");
}

TEST(Backward, CrossEntropy) {
  Numbers numbers(9);
  const auto logits = numbers(11, 4.0);
  std::vector<double> d = logits;
  const double got = cross_entropy_backward<double>(d, 6, 0.25);
  const auto loss = [](const std::vector<Complex>& at) {
    Complex total = 0.0;
    for (const Complex& l : at) total += std::exp(l);
    return 0.25 * (std::log(total) - at[6]);
  };
  EXPECT_NEAR(0.25 * got, loss(complex_of(logits)).real(), 1e-12);
  expect_derivative(logits, loss, d, "logits");
}

}  // namespace
}  // namespace fathom
