// SPDX-License-Identifier: MIT
// ops/ against fixtures/units on the tier that FATHOM_ISA names: products, round trips, rotations,
// hyper-connections, routing and SwiGLU (architecture.md 2, 3, 6, 9). Tolerances are those of the fixtures'
// README; attention, indexer and compressors are in attention_units_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "apps/reference_weights.h"
#include "base/concat.h"
#include "golden/unit_fixtures.h"
#include "numeric/bf16.h"
#include "numeric/rope.h"
#include "ops/hc_mix.h"
#include "ops/linear.h"
#include "ops/quantize.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/route.h"
#include "ops/swiglu.h"
#include "reference/hadamard.h"
#include "reference/linear.h"
#include "reference/quantize.h"

namespace fathom {
namespace {

using reference::Matrix;

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

Matrix<float> first_rows(const Matrix<float>& from, int64_t rows) {
  Matrix<float> out(rows, from.cols);
  std::copy_n(from.data.begin(), out.data.size(), out.data.begin());
  return out;
}

Matrix<float> multiply(const Matrix<float>& x, const WeightView& w) {
  Matrix<float> y(x.rows, w.rows);
  linear_rows({.x = x.view(), .w = &w, .y = y.view()}, 0, w.rows);
  return y;
}

WeightView f32_view(const FixtureFile& file, std::string_view name) {
  const int64_t rows = file.dim(name, 0);
  return {.format = WeightFormat::kF32,
          .block = {},
          .data = file.f32(name).data(),
          .rows = rows,
          .cols = file.tensor(name).elements() / rows};
}

// One case of gemm.safetensors: activations decoded from their codes, weights as they lie.
struct Product {
  Matrix<float> a;
  WeightView b;
};

Product product_case(const FixtureFile& file, const std::string& name) {
  const bool fp4 = name.starts_with("fp4");
  const int64_t k = file.dim(concat(name, ".a"), 1);
  return {.a = dequantize<float>({.format = WeightFormat::kFp8E4m3,
                                  .block = {1, 128},
                                  .data = file.u8(concat(name, ".a")).data(),
                                  .scales = file.u8(concat(name, ".a_scale")).data(),
                                  .rows = file.dim(concat(name, ".a"), 0),
                                  .cols = k}),
          .b = {.format = fp4 ? WeightFormat::kFp4E2m1 : WeightFormat::kFp8E4m3,
                .block = fp4 ? ScaleBlock{1, 32} : ScaleBlock{128, 128},
                .data = file.u8(concat(name, ".b")).data(),
                .scales = file.u8(concat(name, ".b_scale")).data(),
                .rows = file.dim(concat(name, ".b"), 0),
                .cols = k}};
}

// (K + 8) 2^-24 sum |products| holds for any order of summation; the number of rows must not show at all.
TEST(OpsUnits, QuantisedProductsMatchWithAnyNumberOfRows) {
  const FixtureFile file("units/gemm.safetensors");
  int most_rows = 0;
  for (const auto& [tensor_name, tensor] : file.tensors()) {
    if (!tensor_name.ends_with(".c")) continue;
    const std::string name = tensor_name.substr(0, tensor_name.size() - 2);
    const Product p = product_case(file, name);
    const Matrix<float> whole = multiply(p.a, p.b);
    for (size_t i = 0; i < whole.data.size(); ++i) {
      const double bound = static_cast<double>(p.a.cols + 8) * 0x1p-24 * file.f32(concat(name, ".c_abs"))[i];
      ASSERT_NEAR(whole.data[i], file.f32(tensor_name)[i], bound) << name << " element " << i;
    }
    for (int64_t rows = 1; rows < p.a.rows; ++rows) {
      const Matrix<float> fewer = multiply(first_rows(p.a, rows), p.b);
      EXPECT_TRUE(same_bits(fewer.data, std::span(whole.data).first(fewer.data.size())))
          << name << " rows " << rows;
    }
    most_rows = std::max(most_rows, static_cast<int>(p.a.rows));
  }
  EXPECT_EQ(most_rows, 17);
}

// Sum over k of |x_k w_jk|, for the bound of y_j.
double sum_of_magnitudes(std::span<const float> x, std::span<const double> w) {
  double sum = 0.0;
  for (size_t i = 0; i < x.size(); ++i) sum += std::fabs(x[i] * w[i]);
  return sum;
}

TEST(OpsUnits, TheWholeLinearPathMatchesWithAndWithoutItsRoundTrip) {
  const FixtureFile file("units/gemm.safetensors");
  Matrix<float> x(file.dim("linear.x", 0), file.dim("linear.x", 1));
  std::ranges::transform(file.u16("linear.x"), x.data.begin(), bf16_to_float);
  const WeightView w{.format = WeightFormat::kFp8E4m3,
                     .block = {128, 128},
                     .data = file.u8("linear.w").data(),
                     .scales = file.u8("linear.w_scale").data(),
                     .rows = file.dim("linear.w", 0),
                     .cols = x.cols};
  Matrix<float> rounded(x.rows, x.cols);
  for (int64_t r = 0; r < x.rows; ++r) quantize_activations(x.row(r), rounded.row(r));
  const Matrix<double> plain = dequantize<double>(w);
  for (const auto& [input, tensor] : {std::pair(&rounded, "linear.y"), {&x, "linear.y_exact"}}) {
    const Matrix<float> y = multiply(*input, w);
    for (int64_t r = 0; r < y.rows; ++r) {
      for (int64_t j = 0; j < y.cols; ++j) {
        const double bound =
            static_cast<double>(x.cols + 8) * 0x1p-24 * sum_of_magnitudes(input->row(r), plain.row(j));
        EXPECT_NEAR(y.at(r, j), row_of(file, tensor, r)[j], bound) << tensor << " " << r << " " << j;
      }
    }
  }
}

TEST(OpsUnits, ActivationAndKeyValueRoundTripsAreBitExact) {
  const FixtureFile file("units/quant.safetensors");
  for (int64_t r = 0; r < file.dim("fp8_128.x", 0); ++r) {
    const std::span<const float> x = row_of(file, "fp8_128.x", r);
    std::vector<float> out(x.size());
    quantize_activations(x, out);
    EXPECT_TRUE(same_bits(out, row_of(file, "fp8_128.dequant", r))) << "activations, row " << r;
  }
  for (int64_t r = 0; r < file.dim("fp8_64.x", 0); ++r) {
    const std::span<const float> x = row_of(file, "fp8_64.x", r);
    // 64 rope channels behind the rounded ones stay as they are.
    std::vector<float> row(x.begin(), x.end());
    row.insert(row.end(), 64, 0.3F);
    quantize_kv(row, static_cast<int64_t>(x.size()));
    EXPECT_TRUE(same_bits(std::span(row).first(x.size()), row_of(file, "fp8_64.dequant", r)))
        << "key-values, row " << r;
    EXPECT_TRUE(std::all_of(row.end() - 64, row.end(), [](float v) { return v == 0.3F; })) << "row " << r;
  }
}

// Distance of |x| / scale to the nearest value where e2m1 rounding changes, relative; the scale's own border
// counts too.
double fp4_margin(std::span<const float> group, size_t at) {
  double amax = 6 * 0x1p-126;
  for (const float v : group) amax = std::max(amax, std::fabs(static_cast<double>(v)));
  const double exponent = std::ceil(std::log2(amax / 6.0));
  const double scaled = std::fabs(static_cast<double>(group[at])) / std::exp2(exponent);
  double margin = std::fabs(amax / (6.0 * std::exp2(exponent)) - 0.5);
  for (const double border : {0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0}) {
    margin = std::min(margin, std::fabs(scaled / border - 1.0));
  }
  return margin;
}

// The transform's result as quantize_index hands it on: exact wherever float32 noise cannot cross a border.
TEST(OpsUnits, TheIndexRoundTripTransformsThenRounds) {
  const FixtureFile file("units/transforms.safetensors");
  int compared = 0;
  int skipped = 0;
  for (const int n : {8, 16, 32, 64, 128, 256, 512}) {
    for (int64_t r = 0; r < 2; ++r) {
      const std::span<const float> x = row_of(file, concat("hadamard.", n, ".x"), r);
      const std::span<const float> y = row_of(file, concat("hadamard.", n, ".y"), r);
      std::vector<float> got(x.begin(), x.end());
      quantize_index(got);
      std::vector<float> want(y.begin(), y.end());
      reference::fp4_round_trip(std::span<float>(want), 32);
      for (size_t i = 0; i < got.size(); ++i) {
        const std::span<const float> group = y.subspan(i / 32 * 32, std::min<size_t>(32, y.size()));
        if (fp4_margin(group, i % 32) < 1e-4) {
          ++skipped;
          continue;
        }
        ++compared;
        EXPECT_EQ(got[i], want[i]) << n << " row " << r << " channel " << i;
      }
    }
  }
  EXPECT_GT(compared, 50 * skipped);
}

RopeParameters rope_parameters(std::span<const double> p) {
  return {.r = static_cast<int>(p[0]),
          .theta = p[1],
          .factor = p[2],
          .original = p[3],
          .beta_fast = p[4],
          .beta_slow = p[5]};
}

TEST(OpsUnits, RotationsMatchAtEveryPosition) {
  const FixtureFile file("units/transforms.safetensors");
  const std::span<const int64_t> positions = file.i64("positions");
  for (const std::string name : {"plain64", "yarn64", "plain8", "yarn16", "yarn_flat"}) {
    const RopeParameters p = rope_parameters(file.f64(concat(name, ".params")));
    const RotaryEmbedding rotary(p);
    ASSERT_EQ(rotary.pairs(), p.r / 2);
    std::vector<float> cos(static_cast<size_t>(rotary.pairs()));
    std::vector<float> sin(cos.size());
    for (size_t at = 0; at < positions.size(); ++at) {
      const std::string what = concat(name, " at ", positions[at]);
      rotary.angles(positions[at], cos, sin);
      double worst = 0.0;
      for (size_t i = 0; i < cos.size(); ++i) {
        const double frequency = file.f64(concat(name, ".freqs"))[i];
        const double bound = 1e-6 + frequency * static_cast<double>(positions[at]) * 0x1p-23;
        worst = std::max(worst, bound);
        EXPECT_NEAR(cos[i], row_of(file, concat(name, ".cos"), at)[i], bound) << what << " pair " << i;
        EXPECT_NEAR(sin[i], row_of(file, concat(name, ".sin"), at)[i], bound) << what << " pair " << i;
      }
      const std::span<const float> x = row_of(file, concat(name, ".x"), at);
      const std::span<const float> y = row_of(file, concat(name, ".y"), at);
      const double bound = 2 * worst * largest_magnitude(y);
      std::vector<float> forth(x.begin(), x.end());
      rotate(forth, {cos, sin});
      expect_within(forth, y, bound, what);
      EXPECT_TRUE(std::equal(x.begin(), x.begin() + 6, forth.begin())) << what;
      std::vector<float> back(x.begin(), x.end());
      rotate_back(back, {cos, sin});
      expect_within(back, row_of(file, concat(name, ".y_inverse"), at), bound, concat(what, ", back"));
    }
  }
}

TEST(OpsUnits, SinkhornMatches) {
  const FixtureFile file("units/mhc.safetensors");
  for (const int n : {2, 3, 4}) {
    for (const std::string kind : {"normal", "wide", "extreme", "equal"}) {
      const std::string name = concat("sinkhorn.", n, ".", kind);
      for (int64_t i = 0; i < file.dim(concat(name, ".logits"), 0); ++i) {
        const std::span<const float> logits = row_of(file, concat(name, ".logits"), i);
        std::vector<float> p(logits.begin(), logits.end());
        sinkhorn(StreamMix<float>(p.data(), n), 20, 1e-6F);
        expect_within(p, row_of(file, concat(name, ".out"), i), kind == "extreme" ? 2e-5 : 2e-6,
                      concat(name, " ", i));
      }
    }
  }
}

// W x~ rsqrt(mean(x~^2) + eps) for one token, as hc_enter and hc_head compute it.
std::vector<float> mix_logits(const FixtureFile& file, const std::string& fn,
                              std::span<const float> streams) {
  const WeightView w = f32_view(file, fn);
  Matrix<float> x(1, w.cols);
  std::ranges::copy(streams, x.data.begin());
  std::vector<float> logits = multiply(x, w).data;
  const float factor = rms_factor(streams, 1e-6F);
  for (float& logit : logits) logit *= factor;
  return logits;
}

TEST(OpsUnits, HyperConnectionsMatch) {
  const FixtureFile file("units/mhc.safetensors");
  for (const std::string name : {"block.4x16", "block.3x10"}) {
    const auto tensor = [&](std::string_view t) { return concat(name, ".", t); };
    const auto n = static_cast<size_t>(file.dim(tensor("X"), 1));
    for (int64_t t = 0; t < file.dim(tensor("X"), 0); ++t) {
      const std::string what = concat(name, " token ", t);
      const std::span<const float> streams = row_of(file, tensor("X"), t);
      std::vector<float> pre(n), post(n), comb(n * n);
      hc_mix(mix_logits(file, tensor("fn"), streams), file.f32(tensor("scale")), file.f32(tensor("base")),
             {.streams = static_cast<int>(n), .sinkhorn_iters = 20, .hc_eps = 1e-6F}, {pre, post, comb});
      expect_within(pre, row_of(file, tensor("pre"), t), 2e-6, what + " pre");
      expect_within(post, row_of(file, tensor("post"), t), 2e-6, what + " post");
      expect_within(comb, row_of(file, tensor("comb"), t), 2e-6, what + " comb");

      const auto relative = [&](std::string_view of) {
        return 1e-5 * largest_magnitude(row_of(file, tensor(of), t));
      };
      std::vector<float> x_in(streams.size() / n);
      hc_collapse(streams, pre, x_in);
      expect_within(x_in, row_of(file, tensor("x_in"), t), relative("x_in"), what + " x_in");
      std::vector<float> updated(streams.begin(), streams.end());
      hc_expand(row_of(file, tensor("y"), t), post, comb, updated);
      expect_within(updated, row_of(file, tensor("X_out"), t), relative("X_out"), what + " X_out");

      std::vector<float> head = mix_logits(file, tensor("head_fn"), streams);
      hc_head_mix(head, file.f32(tensor("head_scale"))[0], file.f32(tensor("head_base")), 1e-6F, head);
      std::vector<float> h(x_in.size());
      hc_collapse(streams, head, h);
      expect_within(h, row_of(file, tensor("head_h"), t), relative("head_h"), what + " head_h");
    }
  }
}

// Weights of a row by expert, because the order of nearly equal experts is noise.
std::map<int32_t, float> by_expert(std::span<const int32_t> experts, std::span<const float> weights) {
  std::map<int32_t, float> out;
  for (size_t i = 0; i < experts.size(); ++i) out[experts[i]] = weights[i];
  return out;
}

void expect_routes(std::span<const Route> got, const std::map<int32_t, float>& want,
                   const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (const Route& route : got) {
    ASSERT_TRUE(want.contains(route.expert)) << what << " chose " << route.expert;
    EXPECT_NEAR(route.weight, want.at(route.expert), 2e-6 * std::fabs(want.at(route.expert))) << what;
  }
}

TEST(OpsUnits, RoutingMatches) {
  const FixtureFile file("units/routing.safetensors");
  for (const auto& [name, affinity] : {std::pair("sqrtsoftplus", Affinity::kSqrtSoftplus),
                                       {"sigmoid", Affinity::kSigmoid},
                                       {"softmax", Affinity::kSoftmax}}) {
    for (int64_t t = 0; t < file.dim(concat(name, ".logits"), 0); ++t) {
      const std::string what = concat(name, " row ", t);
      const std::span<const float> logits = row_of(file, concat(name, ".logits"), t);
      std::vector<float> scores(logits.begin(), logits.end());
      expert_scores(scores, affinity);
      for (size_t e = 0; e < scores.size(); ++e) {
        const double want = row_of(file, concat(name, ".scores"), t)[e];
        EXPECT_NEAR(scores[e], want, 2e-6 * std::fabs(want)) << what << " expert " << e;
      }
      std::vector<Route> routes(3);
      choose_experts(scores, file.f32(concat(name, ".bias")), routes);
      const std::span<const int32_t> index = file.i32(concat(name, ".index")).subspan(t * 3, 3);
      weigh_experts(scores, WeightNormalisation::kSum, 1.5F, routes);
      expect_routes(routes, by_expert(index, row_of(file, concat(name, ".weights"), t)), what);
      weigh_experts(scores, WeightNormalisation::kNone, 1.5F, routes);
      expect_routes(routes, by_expert(index, row_of(file, concat(name, ".weights_raw"), t)), what + " raw");
    }
  }
}

TEST(OpsUnits, RoutingTiesAndHashedExpertsMatch) {
  const FixtureFile file("units/routing.safetensors");
  for (int64_t t = 0; t < file.dim("ties.logits", 0); ++t) {
    const std::span<const float> logits = row_of(file, "ties.logits", t);
    std::vector<float> scores(logits.begin(), logits.end());
    expert_scores(scores, Affinity::kSqrtSoftplus);
    std::vector<Route> routes(3);
    choose_experts(scores, {}, routes);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(routes[i].expert, file.i32("ties.index")[t * 3 + i]) << t;

    const int64_t token = file.i64("hash.tokens")[t];
    for (size_t i = 0; i < 3; ++i)
      routes[i].expert = static_cast<int32_t>(file.i64("hash.tid2eid")[token * 3 + i]);
    weigh_experts(scores, WeightNormalisation::kSum, 2.5F, routes);
    expect_routes(routes,
                  by_expert(file.i32("hash.index").subspan(t * 3, 3), row_of(file, "hash.weights", t)),
                  concat("hashed row ", t));
  }
}

TEST(OpsUnits, SwigluMatchesAloneAndInARow) {
  const FixtureFile file("units/swiglu.safetensors");
  const std::span<const float> g = file.f32("g");
  const std::span<const float> u = file.f32("u");
  for (const std::string name : {"clamped", "free"}) {
    const float limit = file.f32(concat(name, ".limit"))[0];
    for (size_t i = 0; i < g.size(); ++i) {
      const float weight = file.f32("w")[i];
      std::vector<float> row(g.size());
      swiglu(g, u, weight, limit, row);
      float alone = 0.0F;
      swiglu(g.subspan(i, 1), u.subspan(i, 1), weight, limit, {&alone, 1});
      const double want = file.f32(concat(name, ".out"))[i];
      EXPECT_NEAR(row[i], want, 1e-6 * std::fabs(want) + 1e-30) << name << " element " << i;
      EXPECT_EQ(row[i], alone) << name << " element " << i;
    }
  }
}

}  // namespace
}  // namespace fathom
