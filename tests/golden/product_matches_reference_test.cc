// SPDX-License-Identifier: MIT
// Random small models: the product's forward against the reference in double (design.md 15). The fixtures pin
// the mathematics; this walks through combinations of sizes, kinds and storages that no fixture has.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "golden/checkpoint.h"
#include "golden/product_producer.h"
#include "golden/reference_producer.h"
#include "support/random_model.h"

namespace fathom {
namespace {

using reference::LayerChoices;
using reference::Output;
using reference::Rounding;

constexpr int kTokens = 37;  // several windows, blocks of every ratio, an open tail
constexpr uint64_t kSeeds = 36;

struct Gap {
  double max = 0.0;
  double mean = 0.0;
};

Gap gap_between(std::span<const float> got, std::span<const float> want) {
  if (got.size() != want.size()) return {std::numeric_limits<double>::infinity(), 0.0};
  Gap gap;
  for (size_t i = 0; i < got.size(); ++i) {
    const double d = std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    gap.max = std::isnan(d) ? std::numeric_limits<double>::infinity() : std::max(gap.max, d);
    gap.mean += d / static_cast<double>(got.size());
  }
  return gap;
}

// The smallest gap that decided a choice; a gap of exactly 0 is a tie, which a rule decides.
double smallest_margin(const Output<float>& out) {
  double smallest = std::numeric_limits<double>::infinity();
  const auto visit = [&](const LayerChoices& choices) {
    for (const auto* margins : {&choices.expert_margins, &choices.entries.margins}) {
      for (const double margin : *margins) {
        if (margin > 0) smallest = std::min(smallest, margin);
      }
    }
  };
  for (const LayerChoices& choices : out.choices) visit(choices);
  if (out.mtp_choices) visit(*out.mtp_choices);
  return smallest;
}

struct RandomCase {
  explicit RandomCase(uint64_t seed)
      : model(make_random_model(seed)),
        checkpoint(open_checkpoint_in_memory(model.config_text, model.safetensors)),
        tokens(random_tokens(seed + 1000, checkpoint.config.vocab_size, kTokens)),
        reference_forward(reference_producer<double>(checkpoint)),
        product_forward(product_producer(checkpoint, 1)) {}

  Output<float> run(const Producer& producer, Rounding rounding) const {
    return producer(tokens, {.rounding = rounding, .chunk = 5, .mtp = true, .trace = true});
  }

  RandomModel model;
  Checkpoint checkpoint;
  std::vector<int32_t> tokens;
  Producer reference_forward;
  Producer product_forward;
};

// Values stay below 64 here, and a forward is some hundred float32 operations deep.
constexpr double kExactBar = 1e-4;

void expect_exact(const Output<float>& got, const Output<float>& want) {
  EXPECT_LE(gap_between(got.logits.data, want.logits.data).max, kExactBar);
  EXPECT_LE(gap_between(got.mtp_logits.data, want.mtp_logits.data).max, kExactBar);
  ASSERT_EQ(got.streams.size(), want.streams.size());
  for (size_t layer = 0; layer < want.streams.size(); ++layer) {
    EXPECT_LE(gap_between(got.streams[layer].data, want.streams[layer].data).max, kExactBar)
        << "streams " << layer;
  }
  for (size_t layer = 0; layer < want.choices.size(); ++layer) {
    EXPECT_EQ(got.choices[layer].entries.entries.data, want.choices[layer].entries.entries.data)
        << "layer " << layer;
  }
}

TEST(ProductMatchesReference, OnRandomModelsWithoutRoundTrips) {
  int compared = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const RandomCase random(seed);
    SCOPED_TRACE(random.model.config_text);
    const Output<float> want = random.run(random.reference_forward, Rounding::kNone);
    // Closer than float32 can tell: another choice would be right too.
    if (smallest_margin(want) < 2e-5) continue;
    ++compared;
    expect_exact(random.run(random.product_forward, Rounding::kNone), want);
  }
  EXPECT_GE(compared, 30);
}

// A value on a rounding boundary may fall to the other side and take its whole sequence with it
// (fixtures/model/README.md). So nearly all rows agree closely, and a sequence that left is still far nearer
// than one computed without round trips.
TEST(ProductMatchesReference, OnRandomModelsAsDeployed) {
  int rows = 0;
  int agreeing_rows = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const RandomCase random(seed);
    SCOPED_TRACE(random.model.config_text);
    const Output<float> exact = random.run(random.reference_forward, Rounding::kNone);
    const Output<float> want = random.run(random.reference_forward, Rounding::kAsDeployed);
    const Output<float> got = random.run(random.product_forward, Rounding::kAsDeployed);
    for (int t = 0; t < kTokens; ++t) {
      ++rows;
      agreeing_rows += gap_between(got.logits.row(t), want.logits.row(t)).max <= 5e-4 ? 1 : 0;
    }
    EXPECT_LE(gap_between(got.logits.data, want.logits.data).mean,
              0.5 * gap_between(exact.logits.data, want.logits.data).mean);
  }
  EXPECT_GE(agreeing_rows, rows * 85 / 100) << "of " << rows;
}

}  // namespace
}  // namespace fathom
