// SPDX-License-Identifier: MIT
// The sampler against fixtures/units/sampling: probabilities and penalties.
#include "engine/sampler.h"

#include <gtest/gtest.h>

#include "support/fixture_file.h"

namespace fathom {
namespace {

constexpr std::string_view kFixture = "units/sampling.safetensors";

TEST(Sampler, ProbabilitiesAreTheFixtures) {
  const FixtureFile file(kFixture);
  const auto logits = file.f32("logits");
  const auto params = file.f64("params");
  const auto rows = file.i32("logits_row");
  const auto expected = file.f32("probs");
  constexpr size_t kVocab = 32;
  SamplerScratch scratch(kVocab);
  for (size_t i = 0; i < rows.size(); ++i) {
    const double* p = params.data() + 4 * i;
    Sampler sampler({.temperature = p[0], .top_k = static_cast<int64_t>(p[1]), .top_p = p[2], .min_p = p[3]},
                    kVocab);
    const auto got = sampler.distribution(logits.subspan(rows[i] * kVocab, kVocab), scratch);
    for (size_t id = 0; id < kVocab; ++id) {
      const float want = expected[i * kVocab + id];
      EXPECT_NEAR(got[id], want, 1e-6) << "case " << i << " id " << id;
      EXPECT_EQ(got[id] == 0.0F, want == 0.0F) << "case " << i << " id " << id;
    }
  }
}

// Probabilities of the penalised logits at temperature 1 are softmax of the fixture's penalised logits.
TEST(Sampler, PenaltiesAreTheFixtures) {
  const FixtureFile file(kFixture);
  const auto logits = file.f32("logits");
  const auto params = file.f64("penalty.params");
  const auto expected = file.f32("penalty.logits");
  const auto prompt = file.i32("penalty.prompt");
  const auto output = file.i32("penalty.output");
  SamplerScratch scratch(32);
  SamplerScratch plain_scratch(32);
  for (size_t i = 0; i < params.size() / 3; ++i) {
    Sampler sampler({.repetition_penalty = params[3 * i],
                     .presence_penalty = params[3 * i + 1],
                     .frequency_penalty = params[3 * i + 2]},
                    32);
    sampler.add_prompt(prompt);
    for (const int32_t id : output) sampler.add_output(id);
    Sampler plain({}, 32);
    const auto want = plain.distribution(expected.subspan(32 * i, 32), plain_scratch);
    const auto got = sampler.distribution(logits.first(32), scratch);
    for (size_t id = 0; id < 32; ++id) EXPECT_NEAR(got[id], want[id], 1e-6) << "case " << i << " id " << id;
  }
}

TEST(Sampler, SameSeedAndPositionGiveTheSameToken) {
  const FixtureFile file(kFixture);
  const auto row = file.f32("logits").first(32);
  Sampler first({.seed = 7}, 32);
  Sampler second({.seed = 7}, 32);
  SamplerScratch scratch(32);
  bool differs = false;
  for (int64_t position = 0; position < 200; ++position) {
    const int32_t token = first.sample(row, position, scratch);
    EXPECT_EQ(second.sample(row, position, scratch), token);
    differs = differs || token != first.sample(row, position + 1, scratch);
  }
  EXPECT_TRUE(differs) << "the position must matter";
}

TEST(SamplingParams, ValuesOutsideTheirRangeAreNamed) {
  EXPECT_TRUE(SamplingParams{}.validate().ok());
  EXPECT_EQ((SamplingParams{.temperature = -1}).validate().message(),
            "temperature: expected 0 to 100, found -1");
  EXPECT_EQ((SamplingParams{.top_p = 1.5}).validate().message(), "top-p: expected 0 to 1, found 1.5");
  EXPECT_EQ((SamplingParams{.min_p = std::numeric_limits<double>::quiet_NaN()}).validate().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace fathom
