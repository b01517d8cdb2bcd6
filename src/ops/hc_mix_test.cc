// SPDX-License-Identifier: MIT
// Hyper-connection mixing by hand-derived values: which number goes from which stream to which
// (architecture.md 2).
#include "ops/hc_mix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/kernel_test_support.h"

namespace fathom {
namespace {

struct Mix {
  explicit Mix(int n) : pre(static_cast<size_t>(n)), post(pre.size()), comb(pre.size() * pre.size()) {}
  std::vector<float> pre, post, comb;
};

Mix mix_of(const std::vector<float>& logits, const std::vector<float>& scale, const std::vector<float>& base,
           const HcSettings& settings) {
  Mix mix(settings.streams);
  hc_mix(logits, scale, base, settings, {mix.pre, mix.post, mix.comb});
  return mix;
}

TEST(HcMix, EqualLogitsShareEvenly) {
  for (int n = 1; n <= kMaxHcStreams; ++n) {
    const std::vector<float> zeros(static_cast<size_t>((2 + n) * n), 0.0F);
    const Mix mix = mix_of(zeros, {1, 1, 1}, zeros, {n, 20, 0x1p-20F});
    for (const float v : mix.pre) EXPECT_EQ(v, 0.5F + 0x1p-20F) << n;
    for (const float v : mix.post) EXPECT_EQ(v, 1.0F) << n;
    for (const float v : mix.comb) EXPECT_NEAR(v, 1.0 / n, 4e-6) << n;
  }
}

// Every part has its own scale and its own place: n pre, n post, then comb with the source as row.
TEST(HcMix, PartsScaleAndBaseAreKeptApart) {
  const std::vector<float> logits = {1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<float> base = {0.5F, -0.5F, 0.25F, -0.25F, 0, 1, 0, -1};
  const Mix mix = mix_of(logits, {2.0F, -1.0F, 0.5F}, base, {2, 1, 0.0F});
  const auto sigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  EXPECT_NEAR(mix.pre[0], sigmoid(2.5), 1e-7);
  EXPECT_NEAR(mix.pre[1], sigmoid(3.5), 1e-7);
  EXPECT_NEAR(mix.post[0], 2 * sigmoid(-2.75), 1e-7);
  EXPECT_NEAR(mix.post[1], 2 * sigmoid(-4.25), 1e-7);
  // comb logits: source 0: 2.5, 4; source 1: 3.5, 3. Softmax over destinations, then columns.
  const double p00 = sigmoid(-1.5), p01 = 1 - p00, p10 = sigmoid(0.5), p11 = 1 - p10;
  EXPECT_NEAR(mix.comb[0], p00 / (p00 + p10), 1e-6);
  EXPECT_NEAR(mix.comb[1], p01 / (p01 + p11), 1e-6);
  EXPECT_NEAR(mix.comb[2], p10 / (p00 + p10), 1e-6);
  EXPECT_NEAR(mix.comb[3], p11 / (p01 + p11), 1e-6);
}

// The fixtures pin 20 rounds; here each round is one more pair of divisions, every divisor plus eps.
TEST(HcMix, EveryRoundOfSinkhornNormalisesRowsThenColumns) {
  constexpr double kEps = 0.125;
  const std::vector<float> logits = {0.0F, 1.5F, -1.0F, 0.5F};
  double p[4];
  for (int src = 0; src < 2; ++src) {
    const double a = std::exp(logits[2 * src]), b = std::exp(logits[2 * src + 1]);
    p[2 * src] = a / (a + b) + kEps;
    p[2 * src + 1] = b / (a + b) + kEps;
  }
  const auto columns = [&p] {
    const double first = p[0] + p[2] + kEps, second = p[1] + p[3] + kEps;
    p[0] /= first, p[2] /= first, p[1] /= second, p[3] /= second;
  };
  const auto rows = [&p] {
    const double first = p[0] + p[1] + kEps, second = p[2] + p[3] + kEps;
    p[0] /= first, p[1] /= first, p[2] /= second, p[3] /= second;
  };
  columns();
  for (int iters = 1; iters <= 4; ++iters) {
    std::vector<float> got = logits;
    sinkhorn(StreamMix<float>(got.data(), 2), iters, static_cast<float>(kEps));
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(got[i], p[i], 1e-6) << iters << " rounds, " << i;
    rows();
    columns();
  }
}

TEST(HcMix, CollapseWeighsEachStream) {
  const std::vector<float> streams = {1, 2, 3, 10, 20, 30};
  std::vector<float> out(3);
  hc_collapse(streams, std::vector<float>{2.0F, 0.5F}, out);
  EXPECT_EQ(out, (std::vector<float>{7, 14, 21}));
}

// Only at(0, 1) is set: stream 1 receives stream 0, stream 0 receives nothing but y.
TEST(HcMix, ExpandMovesFromSourceToDestination) {
  std::vector<float> streams = {1, 2, 3, 10, 20, 30};
  hc_expand(std::vector<float>{100, 200, 300}, std::vector<float>{1.0F, 0.0F}, std::vector<float>{0, 5, 0, 0},
            streams);
  EXPECT_EQ(streams, (std::vector<float>{100, 200, 300, 5, 10, 15}));
}

TEST(HcMix, ExpandMatchesItsFormulaForEveryNumberOfStreams) {
  for (int n = 1; n <= kMaxHcStreams; ++n) {
    const size_t dim = 37;
    const std::vector<float> y = random_floats(dim, 1);
    const std::vector<float> post = random_floats(static_cast<size_t>(n), 2);
    const std::vector<float> comb = random_floats(static_cast<size_t>(n * n), 3);
    const std::vector<float> before = random_floats(static_cast<size_t>(n) * dim, 4);
    std::vector<float> after = before;
    hc_expand(y, post, comb, after);
    for (int k = 0; k < n; ++k) {
      for (size_t i = 0; i < dim; ++i) {
        double want = double{post[k]} * y[i];
        double magnitude = std::fabs(want);
        for (int j = 0; j < n; ++j) {
          want += double{comb[j * n + k]} * before[j * dim + i];
          magnitude += std::fabs(double{comb[j * n + k]} * before[j * dim + i]);
        }
        EXPECT_NEAR(after[k * dim + i], want, (n + 2) * 0x1p-24 * magnitude) << n << " " << k << " " << i;
      }
    }
  }
}

TEST(HcMix, TheHeadAddsEpsAndMayWriteInPlace) {
  std::vector<float> logits = {0.0F, 2.0F};
  hc_head_mix(logits, 0.5F, std::vector<float>{0.0F, -1.0F}, 0.25F, logits);
  EXPECT_EQ(logits, (std::vector<float>{0.75F, 0.75F}));
}

}  // namespace
}  // namespace fathom
