// SPDX-License-Identifier: MIT
// Muon, AdamW, learning rates and the whole training step against fixtures/units and fixtures/train
// (training.md 4 to 6; tolerances of the fixtures' READMEs).
#include "train/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/concat.h"
#include "golden/train_fixture.h"
#include "golden/unit_fixtures.h"
#include "train/newton_schulz.h"
#include "train/schedule.h"

namespace fathom {
namespace {

using reference::Matrix;

Matrix<float> orthogonalised(const FixtureFile& file, const std::string& name) {
  Matrix<float> m = matrix_of<float>(file, "ns." + name + ".M");
  NewtonSchulz ns =
      NewtonSchulz::create(static_cast<int64_t>(m.data.size()), std::min(m.rows, m.cols)).value();
  ns.orthogonalise(m.view());
  return m;
}

TEST(NewtonSchulz, MatchesTheExactResult) {
  const FixtureFile file("units/optimisers.safetensors");
  for (const std::string name : {"tall", "wide", "square", "vector_like", "big"}) {
    expect_within(orthogonalised(file, name).data, file.f32("ns." + name + ".O"), 2e-5, name);
  }
}

TEST(NewtonSchulz, ZeroStaysZero) {
  const FixtureFile file("units/optimisers.safetensors");
  for (const float v : orthogonalised(file, "zero").data) EXPECT_EQ(v, 0.0F);
}

// O^T O of the exact result has the singular values' squares; with all of them in [0.997, 1.003] it is near
// one.
TEST(NewtonSchulz, SingularValuesEndNearOne) {
  const FixtureFile file("units/optimisers.safetensors");
  const Matrix<float> o = orthogonalised(file, "tall");
  for (int64_t i = 0; i < o.cols; ++i) {
    for (int64_t j = 0; j < o.cols; ++j) {
      double sum = 0.0;
      for (int64_t r = 0; r < o.rows; ++r) sum += static_cast<double>(o.at(r, i)) * o.at(r, j);
      EXPECT_NEAR(sum, i == j ? 1.0 : 0.0, 6e-3);
    }
  }
}

// A set of one parameter, as the optimiser sees it.
ParameterSet one_parameter(Update update, int64_t rows, int64_t cols, std::span<const float> values) {
  ParameterSet set;
  Parameter p;
  p.name = "w";
  p.update = update;
  p.master = MatBuf<float>::allocate(rows, cols).value();
  p.gradient = MatBuf<float>::allocate(rows, cols).value();
  std::copy(values.begin(), values.end(), p.master.data());
  set.parameters.push_back(std::move(p));
  return set;
}

void expect_relative(const MatBuf<float>& got, std::span<const float> want, double relative, double absolute,
                     const std::string& what) {
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_NEAR(got.data()[i], want[i], relative * std::fabs(want[i]) + absolute) << what << " " << i;
  }
}

TEST(Muon, ThreeStepsMatchTheFixture) {
  const FixtureFile file("units/optimisers.safetensors");
  const auto pool = ThreadPool::create(1).value();
  for (const std::string name : {"muon.a", "muon.b"}) {
    const int64_t rows = file.dim(name + ".W0", 0), cols = file.dim(name + ".W0", 1);
    ParameterSet set = one_parameter(Update::kMuon, rows, cols, file.f32(name + ".W0"));
    Optimiser optimiser = Optimiser::create(set, {}, 1).value();
    for (int64_t step = 1; step <= 3; ++step) {
      const auto gradient = row_of(file, name + ".G", step - 1);
      std::copy(gradient.begin(), gradient.end(), set.parameters[0].gradient.data());
      const double lr = static_cast<double>(file.f32(name + ".lr")[static_cast<size_t>(step - 1)]);
      optimiser.step(*pool, set, {.learning_rate = lr, .update = step});
      const double update = 2e-5 * lr * std::sqrt(static_cast<double>(std::max(rows, cols))) * 0.18;
      expect_relative(set.parameters[0].master, file.f32(concat(name, ".W", step)), 1e-6, update, name);
      expect_relative(optimiser.moments()[0].first, file.f32(concat(name, ".mom", step)), 1e-6, 1e-6, name);
    }
  }
}

TEST(AdamW, ThreeStepsMatchTheFixture) {
  const FixtureFile file("units/optimisers.safetensors");
  const auto pool = ThreadPool::create(1).value();
  ParameterSet set = one_parameter(Update::kAdamWDecayed, 1, 64, file.f32("adamw.p0"));
  Optimiser optimiser = Optimiser::create(set, {}, 1).value();
  for (int64_t step = 1; step <= 3; ++step) {
    const auto gradient = row_of(file, "adamw.G", step - 1);
    std::copy(gradient.begin(), gradient.end(), set.parameters[0].gradient.data());
    optimiser.step(*pool, set,
                   {.learning_rate = static_cast<double>(file.f32("adamw.lr")[static_cast<size_t>(step - 1)]),
                    .update = step});
    expect_relative(set.parameters[0].master, file.f32(concat("adamw.p", step)), 1e-6, 0.0, "p");
  }
}

TEST(LearningRate, MatchesTheFixture) {
  const FixtureFile file("units/optimisers.safetensors");
  const auto p = file.f64("lr.params");
  const LearningRate schedule{.peak = p[0],
                              .warmup = static_cast<int64_t>(p[1]),
                              .decay_start = static_cast<int64_t>(p[2]),
                              .decay_end = static_cast<int64_t>(p[3]),
                              .last = 0.1 * p[0]};
  for (size_t i = 0; i < file.i64("lr.t").size(); ++i) {
    // The cosine is a float32 one.
    EXPECT_NEAR(schedule.at(file.i64("lr.t")[i]), file.f64("lr.value")[i], 1e-6 * p[0])
        << file.i64("lr.t")[i];
  }
}

TEST(RouterBias, MovesTowardsTheMeanAndNotAtIt) {
  std::vector<float> bias = {0.5F, 0.5F, 0.5F};
  balance_router(std::vector<int64_t>{1, 2, 3}, 0.25, bias);
  EXPECT_EQ(bias, (std::vector<float>{0.75F, 0.5F, 0.25F}));
}

// Two steps of each kind, with the gradients of two variants (training.md 4).
TEST(Optimiser, TwoStepsMatchTheFixture) {
  TrainFixture model;
  const FixtureFile want("train/optimiser.safetensors");
  const auto pool = ThreadPool::create(2).value();
  Optimiser optimiser = Optimiser::create(model.set(), {}, 2).value();
  const TrainingBatch batch = model.batch(BatchKind::kTwoSequences);
  // The gradients of both variants are those of the weights before any step, so they come from the files.
  int64_t update = 0;
  for (const char* variant : {"plain", "sparse"}) {
    const FixtureFile file(concat("train/", variant, ".safetensors"));
    model.set().clear_gradients();
    for (Parameter& p : model.set().parameters) {
      if (!file.has(concat("grad.", p.name))) continue;
      const auto gradient = file.f32(concat("grad.", p.name));
      std::copy(gradient.begin(), gradient.end(), p.gradient.data());
    }
    optimiser.step(*pool, model.set(), {.learning_rate = 0.01, .update = ++update});
  }
  int compared = 0;
  for (const Parameter& p : model.set().parameters) {
    const std::string name = concat("after.", p.name);
    if (!want.has(name)) continue;
    ++compared;
    EXPECT_LE(relative_difference({p.master.data(), static_cast<size_t>(p.size())}, want.f32(name)), 1e-4)
        << name;
  }
  EXPECT_GT(compared, 20);
}

// Twelve whole steps: losses, gradients, clipping, both optimisers and the router bias rule.
TEST(Trajectory, TwelveStepsMatchTheFixture) {
  TrainFixture model;
  const FixtureFile file("train/optimiser.safetensors");
  const auto want = file.f32("trajectory");
  const TrainingBatch batch = model.batch(BatchKind::kTwoSequences);
  const auto pool = ThreadPool::create(2).value();
  Optimiser optimiser = Optimiser::create(model.set(), {}, 2).value();
  const LossCoefficients coefficients{.lm = 1.0, .mtp = 0.3, .index = 1e-2, .balance = 1e-4};
  for (int64_t step = 1; step <= 12; ++step) {
    const auto run = model.run(coefficients, {}, batch, 2);
    const double norm = gradient_norm(*pool, model.set(), Trained::kAll);
    const double got[5] = {run.losses.lm, run.losses.mtp, run.losses.index, run.losses.balance, norm};
    for (int i = 0; i < 5; ++i) {
      const double expected = static_cast<double>(want[static_cast<size_t>((step - 1) * 5 + i)]);
      EXPECT_NEAR(got[i], expected, 1e-4 * std::max(1.0, std::fabs(expected)))
          << "step " << step << ", " << i;
    }
    optimiser.step(*pool, model.set(),
                   {.learning_rate = 0.002, .gradient_scale = std::min(1.0, 1.0 / norm), .update = step});
    for (size_t router = 0; router < run.loads.size(); ++router) {
      const bool draft = router + 1 == run.loads.size();
      Parameter* bias =
          model.set().find(draft ? "mtp.0.ffn.gate.bias" : concat("layers.", router, ".ffn.gate.bias"));
      if (bias != nullptr)
        balance_router(run.loads[router], 0.001, {bias->master.data(), run.loads[router].size()});
    }
  }
}

}  // namespace
}  // namespace fathom
