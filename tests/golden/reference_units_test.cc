// SPDX-License-Identifier: MIT
// reference/ against fixtures/units, in float and in double: every theme that it covers, forward only.
// Tolerances are those of the fixtures' README.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "apps/reference_weights.h"
#include "base/concat.h"
#include "golden/unit_fixtures.h"
#include "numeric/bf16.h"
#include "reference/attention.h"
#include "reference/choice.h"
#include "reference/compressor.h"
#include "reference/hadamard.h"
#include "reference/indexer.h"
#include "reference/linear.h"
#include "reference/mhc.h"
#include "reference/moe.h"
#include "reference/quantize.h"
#include "reference/rope.h"
#include "reference/router.h"
#include "support/fixture_file.h"

namespace fathom::reference {
namespace {

template <typename T>
class ReferenceUnits : public testing::Test {};
using NumberTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(ReferenceUnits, NumberTypes);

TYPED_TEST(ReferenceUnits, RoundTripsAreBitExact) {
  using T = TypeParam;
  const FixtureFile file("units/quant.safetensors");
  for (const auto& [name, block] : {std::pair("fp8_128", 128), {"fp8_64", 64}, {"fp4_32", 32}}) {
    Matrix<T> x = matrix_of<T>(file, concat(name, ".x"));
    const std::span<const float> want = file.f32(concat(name, ".dequant"));
    for (int64_t r = 0; r < x.rows; ++r) {
      if (block == 32) {
        fp4_round_trip(x.row(r), block);
      } else {
        fp8_round_trip(x.row(r), block);
      }
      for (int64_t c = 0; c < x.cols; ++c) {
        EXPECT_EQ(x.at(r, c), T(want[r * x.cols + c])) << name << " row " << r << " channel " << c;
      }
    }
  }
}

// The bound holds for any order of summation: (K + 8) 2^-24 sum |products|.
TYPED_TEST(ReferenceUnits, ProductsOfDequantisedMatricesMatch) {
  using T = TypeParam;
  const FixtureFile file("units/gemm.safetensors");
  for (const auto& [tensor_name, tensor] : file.tensors()) {
    if (!tensor_name.ends_with(".c")) continue;
    const std::string name = tensor_name.substr(0, tensor_name.size() - 2);
    const bool fp4 = name.starts_with("fp4");
    const int64_t m = tensor.shape[0];
    const int64_t n = tensor.shape[1];
    const int64_t k = file.dim(concat(name, ".a"), 1);
    const Matrix<T> a = dequantize<T>({.format = WeightFormat::kFp8E4m3,
                                       .block = {1, 128},
                                       .data = file.u8(concat(name, ".a")).data(),
                                       .scales = file.u8(concat(name, ".a_scale")).data(),
                                       .rows = m,
                                       .cols = k});
    const Matrix<T> b = dequantize<T>({.format = fp4 ? WeightFormat::kFp4E2m1 : WeightFormat::kFp8E4m3,
                                       .block = fp4 ? ScaleBlock{1, 32} : ScaleBlock{128, 128},
                                       .data = file.u8(concat(name, ".b")).data(),
                                       .scales = file.u8(concat(name, ".b_scale")).data(),
                                       .rows = n,
                                       .cols = k});
    const Matrix<T> c = multiply_rows(b, a);
    const std::span<const float> want = file.f32(tensor_name);
    const std::span<const float> sum_of_magnitudes = file.f32(concat(name, ".c_abs"));
    for (size_t i = 0; i < c.data.size(); ++i) {
      const double bound = static_cast<double>(k + 8) * 0x1p-24 * static_cast<double>(sum_of_magnitudes[i]);
      EXPECT_NEAR(static_cast<double>(c.data[i]), static_cast<double>(want[i]), bound)
          << name << " element " << i;
    }
  }
}

TYPED_TEST(ReferenceUnits, LinearRoundsItsInputUnlessSwitchedOff) {
  using T = TypeParam;
  const FixtureFile file("units/gemm.safetensors");
  Matrix<T> x(file.dim("linear.x", 0), file.dim("linear.x", 1));
  for (size_t i = 0; i < x.data.size(); ++i) x.data[i] = bf16_to_float(file.u16("linear.x")[i]);
  const LinearWeights<T> w{dequantize<T>({.format = WeightFormat::kFp8E4m3,
                                          .block = {128, 128},
                                          .data = file.u8("linear.w").data(),
                                          .scales = file.u8("linear.w_scale").data(),
                                          .rows = file.dim("linear.w", 0),
                                          .cols = x.cols}),
                           true};
  // 256 products of size up to max|y|: far above float32's own rounding, far below an e4m3 step.
  const double bound = 256 * 0x1p-24 * largest_magnitude(file.f32("linear.y"));
  expect_within(linear_rows(w, x, Rounding::kAsDeployed).data, file.f32("linear.y"), bound, "as deployed");
  expect_within(linear_rows(w, x, Rounding::kNone).data, file.f32("linear.y_exact"), bound, "exact");
}

TYPED_TEST(ReferenceUnits, HadamardMatches) {
  using T = TypeParam;
  const FixtureFile file("units/transforms.safetensors");
  for (const int n : {8, 16, 32, 64, 128, 256, 512}) {
    Matrix<T> x = matrix_of<T>(file, concat("hadamard.", n, ".x"));
    for (int64_t r = 0; r < x.rows; ++r) hadamard(x.row(r));
    const std::span<const float> want = file.f32(concat("hadamard.", n, ".y"));
    // The README's bound is for the butterfly of log2(n) additions; the definition adds n terms one after
    // another.
    const double terms = std::is_same_v<T, float> ? n : std::log2(n);
    expect_within(x.data, want, 4 * 0x1p-24 * terms * largest_magnitude(want), concat("hadamard ", n));
  }
}

TYPED_TEST(ReferenceUnits, RopeMatchesAtEveryPosition) {
  using T = TypeParam;
  const FixtureFile file("units/transforms.safetensors");
  const std::span<const int64_t> positions = file.i64("positions");
  for (const std::string name : {"plain64", "yarn64", "plain8", "yarn16", "yarn_flat"}) {
    const std::span<const double> params = file.f64(concat(name, ".params"));
    const RopeConfig rope = rope_config(params);
    const int r = static_cast<int>(params[0]);
    const std::vector<double> freqs = rope_frequencies(rope, r);
    for (int i = 0; i < r / 2; ++i) {
      const double want = file.f64(concat(name, ".freqs"))[i];
      EXPECT_NEAR(freqs[i], want, std::fabs(want) * 1e-13) << name << " pair " << i;
    }
    if (rope.yarn) {
      EXPECT_EQ(yarn_ramp(rope, r).low, file.i32(concat(name, ".ramp"))[0]) << name;
      EXPECT_EQ(yarn_ramp(rope, r).high, file.i32(concat(name, ".ramp"))[1]) << name;
    }
    for (size_t p = 0; p < positions.size(); ++p) {
      const std::vector<float> angles = rope_angles(rope, r, positions[p]);
      const size_t row = p * (r / 2);
      double worst_angle = 0.0;
      for (int i = 0; i < r / 2; ++i) {
        const double bound = 1e-6 + std::fabs(angles[i]) * 0x1p-23;
        worst_angle = std::max(worst_angle, bound);
        EXPECT_NEAR(std::cos(angles[i]), file.f32(concat(name, ".cos"))[row + i], bound)
            << name << " " << positions[p];
        EXPECT_NEAR(std::sin(angles[i]), file.f32(concat(name, ".sin"))[row + i], bound)
            << name << " " << positions[p];
      }
      Matrix<T> x = matrix_of<T>(file, concat(name, ".x"));
      Matrix<T> back = x;
      rotate(x.row(p), std::span<const float>(angles));
      rotate_back(back.row(p), std::span<const float>(angles));
      const std::span<const float> y = file.f32(concat(name, ".y")).subspan(p * x.cols, x.cols);
      const std::span<const float> inverse = file.f32(concat(name, ".y_inverse")).subspan(p * x.cols, x.cols);
      const double bound = 2 * worst_angle * largest_magnitude(y);
      expect_within(std::span<const T>(x.row(p)), y, bound, concat(name, " at ", positions[p]));
      expect_within(std::span<const T>(back.row(p)), inverse, bound, concat(name, " back at ", positions[p]));
    }
  }
}

TYPED_TEST(ReferenceUnits, SinkhornMatches) {
  using T = TypeParam;
  const FixtureFile file("units/mhc.safetensors");
  for (const int n : {2, 3, 4}) {
    for (const std::string kind : {"normal", "wide", "extreme", "equal"}) {
      const std::string name = concat("sinkhorn.", n, ".", kind);
      for (int64_t i = 0; i < file.dim(concat(name, ".logits"), 0); ++i) {
        Matrix<T> p = matrix_at<T>(file, concat(name, ".logits"), i);
        sinkhorn(p, 20, 1e-6);
        expect_within(p.data, file.f32(concat(name, ".out")).subspan(i * p.data.size(), p.data.size()),
                      kind == "extreme" ? 2e-5 : 2e-6, concat(name, " ", i));
      }
    }
  }
}

TYPED_TEST(ReferenceUnits, HyperConnectionsMatch) {
  using T = TypeParam;
  const FixtureFile file("units/mhc.safetensors");
  for (const std::string name : {"block.4x16", "block.3x10"}) {
    const auto row = [&](std::string_view tensor, int64_t t) {
      const std::span<const float> all = file.f32(concat(name, ".", tensor));
      const size_t size = all.size() / file.dim(concat(name, ".X"), 0);
      return all.subspan(t * size, size);
    };
    ModelConfig config;
    config.hc_mult = static_cast<int>(file.dim(concat(name, ".X"), 1));
    config.hc_sinkhorn_iters = 20;
    config.hc_eps = 1e-6;
    config.rms_norm_eps = 1e-6;
    const HyperConnectionWeights<T> w{matrix_of<T>(file, concat(name, ".fn")),
                                      vector_of<T>(file, concat(name, ".base")),
                                      vector_of<T>(file, concat(name, ".scale"))};
    const HyperConnectionWeights<T> head{matrix_of<T>(file, concat(name, ".head_fn")),
                                         vector_of<T>(file, concat(name, ".head_base")),
                                         vector_of<T>(file, concat(name, ".head_scale"))};
    for (int64_t t = 0; t < file.dim(concat(name, ".X"), 0); ++t) {
      Matrix<T> streams = matrix_at<T>(file, concat(name, ".X"), t);
      const Matrix<T> before = streams;
      const std::vector<T> y(row("y", t).begin(), row("y", t).end());
      const HyperConnection<T> hc = hyper_connection(before.view(), w, config);
      expect_within(hc.pre, row("pre", t), 2e-6, concat(name, " pre ", t));
      expect_within(hc.post, row("post", t), 2e-6, concat(name, " post ", t));
      expect_within(hc.comb.data, row("comb", t), 2e-6, concat(name, " comb ", t));
      expect_within(collapse(before.view(), std::span<const T>(hc.pre)), row("x_in", t),
                    1e-5 * largest_magnitude(row("x_in", t)), concat(name, " x_in ", t));
      update_streams(streams.view(), hc, std::span<const T>(y));
      expect_within(streams.data, row("X_out", t), 1e-5 * largest_magnitude(row("X_out", t)),
                    concat(name, " X_out ", t));
      expect_within(collapse_head(before.view(), head, config), row("head_h", t),
                    1e-5 * largest_magnitude(row("head_h", t)), concat(name, " head_h ", t));
    }
  }
}

TYPED_TEST(ReferenceUnits, RoutingMatches) {
  using T = TypeParam;
  const FixtureFile file("units/routing.safetensors");
  for (const auto& [name, func] : {std::pair("sqrtsoftplus", ScoringFunc::kSqrtSoftplus),
                                   {"sigmoid", ScoringFunc::kSigmoid},
                                   {"softmax", ScoringFunc::kSoftmax}}) {
    ModelConfig config;
    config.scoring_func = func;
    config.num_experts_per_tok = 3;
    const Matrix<T> logits = matrix_of<T>(file, concat(name, ".logits"));
    MoeWeights<T> w;
    w.bias = vector_of<T>(file, concat(name, ".bias"));
    for (int64_t t = 0; t < logits.rows; ++t) {
      const std::string what = concat(name, " row ", t);
      const std::span<const float> scores =
          file.f32(concat(name, ".scores")).subspan(t * logits.cols, logits.cols);
      const std::vector<T> got_scores = expert_scores(logits.row(t), func);
      for (int64_t e = 0; e < logits.cols; ++e) {
        EXPECT_NEAR(got_scores[e], scores[e], 2e-6 * std::fabs(scores[e])) << what << " expert " << e;
      }
      for (const bool normalised : {true, false}) {
        config.norm_topk_prob = normalised;
        config.routed_scaling_factor = 1.5;
        const Route<T> got = route(logits.row(t), 0, w, config);
        const bool divided = normalised && func != ScoringFunc::kSoftmax;
        const std::span<const float> weights =
            file.f32(concat(name, divided ? ".weights" : ".weights_raw")).subspan(t * 3, 3);
        for (int i = 0; i < 3; ++i) {
          const int32_t expert = file.i32(concat(name, ".index"))[t * 3 + i];
          const auto at = std::ranges::find(got.experts, expert);
          ASSERT_NE(at, got.experts.end()) << what << " expert " << expert;
          EXPECT_NEAR(got.weights[at - got.experts.begin()], weights[i], 2e-6 * std::fabs(weights[i]))
              << what;
        }
        EXPECT_NEAR(got.margin, file.f32(concat(name, ".margin"))[t], 1e-6) << what;
      }
    }
  }
}

TYPED_TEST(ReferenceUnits, RoutingTiesAndHashTablesMatch) {
  using T = TypeParam;
  const FixtureFile file("units/routing.safetensors");
  ModelConfig config;
  config.num_experts_per_tok = 3;
  config.routed_scaling_factor = 2.5;
  const Matrix<T> logits = matrix_of<T>(file, "ties.logits");
  MoeWeights<T> unbiased;
  unbiased.bias.assign(16, T(0));
  MoeWeights<T> hashed;
  hashed.tid2eid = Matrix<int32_t>(file.dim("hash.tid2eid", 0), 3);
  std::ranges::transform(file.i64("hash.tid2eid"), hashed.tid2eid.data.begin(),
                         [](int64_t id) { return static_cast<int32_t>(id); });
  for (int64_t t = 0; t < logits.rows; ++t) {
    const std::vector<int32_t> tied = route(logits.row(t), 0, unbiased, config).experts;
    EXPECT_TRUE(std::ranges::equal(tied, file.i32("ties.index").subspan(t * 3, 3))) << "row " << t;

    const Route<T> from_table =
        route(logits.row(t), static_cast<int32_t>(file.i64("hash.tokens")[t]), hashed, config);
    EXPECT_TRUE(std::ranges::equal(from_table.experts, file.i32("hash.index").subspan(t * 3, 3)))
        << "row " << t;
    const std::span<const float> weights = file.f32("hash.weights").subspan(t * 3, 3);
    expect_within(from_table.weights, weights, 2e-6 * largest_magnitude(weights), concat("hash row ", t));
  }
}

TYPED_TEST(ReferenceUnits, SwigluMatches) {
  using T = TypeParam;
  const FixtureFile file("units/swiglu.safetensors");
  for (const std::string name : {"clamped", "free"}) {
    const double limit = file.f32(concat(name, ".limit"))[0];
    for (size_t i = 0; i < file.f32("g").size(); ++i) {
      const T got = swiglu(T(file.f32("g")[i]), T(file.f32("u")[i]), T(file.f32("w")[i]), limit);
      const double want = file.f32(concat(name, ".out"))[i];
      EXPECT_NEAR(static_cast<double>(got), want, 1e-6 * std::fabs(want) + 1e-30) << name << " element " << i;
    }
  }
}

TYPED_TEST(ReferenceUnits, CompressorsMatch) {
  using T = TypeParam;
  const FixtureFile file("units/compressor.safetensors");
  for (const std::string name : {"csa", "hca", "hca128"}) {
    const std::span<const double> rope = file.f64(concat(name, ".rope"));
    LayerConfig layer;
    layer.kind = name == "csa" ? LayerKind::kCsa : LayerKind::kHca;
    layer.compress_ratio = file.i32(concat(name, ".m"))[0];
    layer.rope = rope_config(rope);
    ModelConfig config;
    config.qk_rope_head_dim = static_cast<int>(rope[0]);
    config.rms_norm_eps = 1e-6;
    CompressorWeights<T> w;
    w.ape = matrix_of<T>(file, concat(name, ".ape"));
    w.norm = vector_of<T>(file, concat(name, ".g"));
    Matrix<T> entries =
        pool(matrix_of<T>(file, concat(name, ".C")), matrix_of<T>(file, concat(name, ".Z")), w.ape, layer);
    const std::span<const float> pooled = file.f32(concat(name, ".pooled"));
    expect_within(entries.data, pooled, 2e-6 * largest_magnitude(pooled), concat(name, ".pooled"));
    finish_entries(entries, w, layer, config);
    const std::span<const float> want = file.f32(concat(name, ".entries"));
    expect_within(entries.data, want, 2e-6 * largest_magnitude(want), concat(name, ".entries"));
    if (!file.has(concat(name, ".entries_quant"))) continue;
    const std::span<const float> rounded = file.f32(concat(name, ".entries_quant"));
    const int64_t nope = entries.cols - config.qk_rope_head_dim;
    for (int64_t i = 0; i < entries.rows; ++i) {
      fp8_round_trip(entries.row(i).first(nope), 64);
      for (int64_t c = 0; c < nope; ++c)
        EXPECT_EQ(entries.at(i, c), T(rounded[i * entries.cols + c])) << name << i << c;
    }
  }
}

TYPED_TEST(ReferenceUnits, AttentionMatches) {
  using T = TypeParam;
  const FixtureFile file("units/attention.safetensors");
  const Matrix<T> q = matrix_of<T>(file, "q");
  const Matrix<T> k = matrix_of<T>(file, "k");
  const std::vector<T> sink = vector_of<T>(file, "sink");
  for (int64_t head = 0; head < q.rows; ++head) {
    expect_within(attention_weights(q.row(head), k, sink[head]),
                  file.f32("weights").subspan(head * k.rows, k.rows), 2e-6, concat("weights of head ", head));
  }
  Matrix<T> o = attend(q.view(), k, std::span<const T>(sink));
  const double bound = 2e-6 * largest_magnitude(file.f32("o"));
  expect_within(o.data, file.f32("o"), bound, "o");
  const std::span<const double> rope = file.f64("rope");
  const std::vector<float> angles =
      rope_angles(rope_config(rope), static_cast<int>(rope[0]), file.i64("position")[0]);
  for (int64_t head = 0; head < o.rows; ++head) rotate_back(o.row(head), std::span<const float>(angles));
  expect_within(o.data, file.f32("o_rotated"), bound, "o_rotated");

  AttentionWeights<T> w;
  for (int64_t group = 0; group < file.dim("wo_a", 0); ++group)
    w.wo_a.push_back(matrix_at<T>(file, "wo_a", group));
  w.wo_b = {matrix_of<T>(file, "wo_b"), false};
  expect_within(project_output(o, w, Rounding::kNone), file.f32("y"), 1e-5 * largest_magnitude(file.f32("y")),
                "y");
}

TYPED_TEST(ReferenceUnits, AttentionOverOneRowMatches) {
  using T = TypeParam;
  const FixtureFile file("units/attention.safetensors");
  const Matrix<T> q = matrix_of<T>(file, "q");
  Matrix<T> k = matrix_of<T>(file, "k");
  k.rows = 1;
  k.data.resize(static_cast<size_t>(k.cols));
  const std::vector<T> sink = vector_of<T>(file, "sink");
  for (int64_t head = 0; head < q.rows; ++head) {
    expect_within(attention_weights(q.row(head), k, sink[head]), file.f32("single.weights").subspan(head, 1),
                  2e-6, concat("head ", head));
  }
  expect_within(attend(q.view(), k, std::span<const T>(sink)).data, file.f32("single.o"),
                2e-6 * largest_magnitude(file.f32("single.o")), "single.o");
}

TYPED_TEST(ReferenceUnits, IndexerMatches) {
  using T = TypeParam;
  const FixtureFile file("units/attention.safetensors");
  const std::vector<T> weights = vector_of<T>(file, "index.iw");
  for (const Rounding rounding : {Rounding::kAsDeployed, Rounding::kNone}) {
    const bool deployed = rounding == Rounding::kAsDeployed;
    Matrix<T> queries = matrix_of<T>(file, "index.iq");
    Matrix<T> keys = matrix_of<T>(file, "index.ik");
    for (int64_t head = 0; head < queries.rows; ++head) transform_for_index(queries.row(head), rounding);
    for (int64_t key = 0; key < keys.rows; ++key) transform_for_index(keys.row(key), rounding);
    if (deployed) {
      EXPECT_TRUE(std::ranges::equal(queries.data, vector_of<T>(file, "index.iq_fp4")));
      EXPECT_TRUE(std::ranges::equal(keys.data, vector_of<T>(file, "index.ik_fp4")));
    }
    const std::vector<T> scores =
        index_scores(std::as_const(queries).view(), std::as_const(keys).view(), std::span<const T>(weights));
    const std::span<const float> want = file.f32(deployed ? "index.scores" : "index.scores_exact");
    expect_within(scores, want, 2e-6 * largest_magnitude(want), deployed ? "scores" : "exact scores");
    if (!deployed) continue;
    const Choice choice =
        choose_top_k(std::span<const T>(scores), static_cast<int>(file.dim("index.topk", 0)));
    const std::span<const int32_t> topk = file.i32("index.topk");
    EXPECT_EQ(std::set(choice.indices.begin(), choice.indices.end()), std::set(topk.begin(), topk.end()));
    EXPECT_NEAR(choice.margin, file.f32("index.margin")[0], 1e-5);
  }
}

}  // namespace
}  // namespace fathom::reference
