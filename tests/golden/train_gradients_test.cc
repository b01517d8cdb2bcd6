// SPDX-License-Identifier: MIT
// Losses and every gradient tensor against fixtures/train (training.md 2, 3, 7, 10).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/concat.h"
#include "golden/train_fixture.h"

namespace fathom {
namespace {

constexpr LossCoefficients kNone{.lm = 0.0};

// The fixtures' loss of a variant.
double wanted_loss(const FixtureFile& file) { return static_cast<double>(file.f32("loss")[0]); }

// Every tensor of the file within `bound` of ours, every other one of ours without a gradient. Returns the
// worst.
double expect_gradients(const FixtureFile& file, const ParameterSet& set, double bound) {
  double worst = 0.0;
  for (const Parameter& p : set.parameters) {
    const std::string name = concat("grad.", p.name);
    const std::span<const float> got(p.gradient.data(), p.gradient.size_bytes() / sizeof(float));
    if (!file.has(name)) {
      EXPECT_TRUE(std::all_of(got.begin(), got.end(), [](float g) { return g == 0.0F; }))
          << p.name << " must have no gradient";
      continue;
    }
    const double difference = relative_difference(got, file.f32(name));
    EXPECT_LE(difference, bound) << name;
    worst = std::max(worst, difference);
  }
  return worst;
}

void expect_variant(const std::string& variant, const LossCoefficients& coefficients, CsaAttention attention,
                    BatchKind kind = BatchKind::kTwoSequences) {
  TrainFixture model;
  const auto run = model.run(coefficients, {.attention = attention}, model.batch(kind));
  const FixtureFile file(concat("train/", variant, ".safetensors"));
  EXPECT_NEAR(run.losses.total(coefficients), wanted_loss(file), 1e-5);
  // Float32 sums in another order differ by up to 1.5e-5 (the fixtures' README); 1e-4 is what it expects.
  testing::Test::RecordProperty("worst", concat(expect_gradients(file, model.set(), 1e-4)));
}

TEST(TrainGradients, PlainIsTheMainLossWithDenseAttention) {
  expect_variant("plain", {}, CsaAttention::kDense);
}

TEST(TrainGradients, SparseChoosesEntries) { expect_variant("sparse", {}, CsaAttention::kSparse); }

TEST(TrainGradients, MtpFlowsIntoTheMainModel) {
  expect_variant("mtp", {.lm = 1.0, .mtp = 0.3}, CsaAttention::kSparse);
}

TEST(TrainGradients, IndexerLearnsFromAllVisibleEntriesInTheDenseStage) {
  LossCoefficients c = kNone;
  c.index = 1.0;
  expect_variant("kl_dense", c, CsaAttention::kDense);
}

TEST(TrainGradients, IndexerLearnsFromItsChoiceInTheSparseStage) {
  LossCoefficients c = kNone;
  c.index = 1.0;
  expect_variant("kl_sparse", c, CsaAttention::kSparse);
}

TEST(TrainGradients, BalanceCountsLayersThatChoose) {
  LossCoefficients c = kNone;
  c.balance = 1.0;
  expect_variant("balance", c, CsaAttention::kSparse);
}

TEST(TrainGradients, PackedDocumentsComputeWhatTheyWouldAlone) {
  expect_variant("packed", {}, CsaAttention::kSparse, BatchKind::kPacked);
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0.0, aa = 0.0, bb = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return dot / std::sqrt(aa * bb);
}

// A rounding may flip in another order of summation, so one tensor in ten may differ more (the fixtures'
// README).
TEST(TrainGradients, RoundTripsPassStraightThrough) {
  TrainFixture model({.fp8 = true, .fp4 = true});
  const auto run = model.run({}, {.rounding = Rounding::kAsDeployed}, model.batch(BatchKind::kTwoSequences));
  const FixtureFile file("train/qat.safetensors");
  EXPECT_NEAR(run.losses.lm, wanted_loss(file), 1e-5);
  int tensors = 0;
  int close = 0;
  for (const Parameter& p : model.set().parameters) {
    const std::string name = concat("grad.", p.name);
    if (!file.has(name)) continue;
    const std::span<const float> got(p.gradient.data(), p.gradient.size_bytes() / sizeof(float));
    ++tensors;
    if (relative_difference(got, file.f32(name)) <= 1e-3) ++close;
    EXPECT_GE(cosine(got, file.f32(name)), 0.999) << name;
  }
  EXPECT_GE(close * 10, tensors * 9) << close << " of " << tensors;
}

std::vector<float> all_gradients(const ParameterSet& set) {
  std::vector<float> all;
  for (const Parameter& p : set.parameters) {
    all.insert(all.end(), p.gradient.data(), p.gradient.data() + p.gradient.rows() * p.gradient.cols());
  }
  return all;
}

constexpr LossCoefficients kAll{.lm = 1.0, .mtp = 0.3, .index = 1e-2, .balance = 1e-4};

TEST(TrainGradients, ThreadsDoNotChangeABit) {
  TrainFixture model;
  const TrainingBatch batch = model.batch(BatchKind::kTwoSequences);
  model.run(kAll, {}, batch, 1);
  const std::vector<float> one = all_gradients(model.set());
  for (const int threads : {2, 3}) {
    model.run(kAll, {}, batch, threads);
    const std::vector<float> more = all_gradients(model.set());
    EXPECT_EQ(std::memcmp(one.data(), more.data(), one.size() * sizeof(float)), 0) << threads << " threads";
  }
}

// The step's loss is a mean over all its tokens, so two micro-batches give what one batch gives (training.md
// 1).
TEST(TrainGradients, MicroBatchesAddUpToTheWholeBatch) {
  TrainFixture model;
  const TrainingBatch whole = model.batch(BatchKind::kTwoSequences);
  const auto once = model.run(kAll, {}, whole);
  const std::vector<float> want = all_gradients(model.set());

  StepCounts counts;
  counts.add(whole, model.config());
  const auto pool = ThreadPool::create(1).value();
  GradientPass pass =
      GradientPass::create(model.config(), model.set().weights, {.rows = whole.rows(), .workers = 1}).value();
  LossValues losses;
  ExpertLoads loads = pass.no_loads();
  model.set().clear_gradients();
  for (const RowRange& sequence : whole.sequences) {
    TrainingBatch part;
    part.add_document(std::span(whole.tokens).subspan(sequence.begin, sequence.size()));
    ASSERT_TRUE(pass.run(*pool, part, counts, kAll, {model.set().gradients, losses, loads}).ok());
  }
  // Only the order of float32 sums differs.
  EXPECT_LE(relative_difference(all_gradients(model.set()), want), 1e-6);
  EXPECT_NEAR(losses.total(kAll), once.losses.total(kAll), 1e-9);
  EXPECT_EQ(loads, once.loads);
}

}  // namespace
}  // namespace fathom
