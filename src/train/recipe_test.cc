// SPDX-License-Identifier: MIT
// Recipes: defaults, every key's range, unknown keys, --set (docs/training.md).
#include "train/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fathom {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSmallest = R"(
[model]
config = "config.json"
tokenizer = "/models/tokenizer.json"
[run]
directory = "runs/a"
steps = 1000
[data]
sources = [{ path = "a.jsonl", weight = 2.0 }, { path = "b.txt" }]
)";

TEST(Recipe, DefaultsFollowFromTheSteps) {
  const auto recipe = parse_recipe(kSmallest, "base", {});
  ASSERT_TRUE(recipe.ok()) << recipe.status().message();
  EXPECT_EQ(recipe->config_file, "base/config.json");
  EXPECT_EQ(recipe->tokenizer_file, "/models/tokenizer.json");
  EXPECT_EQ(recipe->data.sources[0].path, "base/a.jsonl");
  EXPECT_EQ(recipe->data.sources[0].weight, 2.0);
  EXPECT_EQ(recipe->data.cache_directory, "base/runs/a/tokens");
  EXPECT_EQ(recipe->learning_rate.warmup, 20);
  EXPECT_EQ(recipe->learning_rate.decay_start, 700);
  ASSERT_EQ(recipe->stages.size(), 1u);
  EXPECT_EQ(recipe->stages[0].value.attention, CsaAttention::kSparse);
}

TEST(Recipe, StagesHoldFromTheirStepOn) {
  const auto recipe = parse_recipe(std::string(kSmallest) + R"(
[[stage]]
attention = "dense"
index = 0.0
[[stage]]
from = 300
attention = "dense"
trained = "indexer"
index = 1.0
[[stage]]
from = 400
mtp = 0.1
)",
                                   "", {});
  ASSERT_TRUE(recipe.ok()) << recipe.status().message();
  EXPECT_EQ(value_at(recipe->stages, 299).trained, Trained::kAll);
  EXPECT_EQ(value_at(recipe->stages, 300).trained, Trained::kIndexerOnly);
  EXPECT_EQ(value_at(recipe->stages, 399).index, 1.0);
  EXPECT_EQ(value_at(recipe->stages, 400).attention, CsaAttention::kSparse);
  EXPECT_EQ(value_at(recipe->stages, 1000).mtp, 0.1);
}

TEST(Recipe, SetReplacesAndAdds) {
  const auto recipe =
      parse_recipe(kSmallest, "", {"run.steps=5", "optimiser.clip_norm=2.5", "run.directory=b"});
  ASSERT_TRUE(recipe.ok()) << recipe.status().message();
  EXPECT_EQ(recipe->steps, 5);
  EXPECT_EQ(recipe->clip_norm, 2.5);
  EXPECT_EQ(recipe->run_directory, "b");
}

struct Refused {
  const char* change;
  const char* message;
};

// At the limit a value passes; these lie just outside, or mean nothing.
constexpr Refused kRefused[] = {
    {"run.steps=0", "run.steps: expected a whole number from 1"},
    {"run.steps=1.5", "run.steps: expected a whole number"},
    {"run.steps=\"many\"", "run.steps: expected a whole number"},
    {"run.seed=-1", "run.seed: expected a whole number from 0"},
    {"run.wheels=4", "run.wheels: expected a key of this table"},
    {"wheels.size=4", "wheels: expected a key of this table"},
    {"data.sequence_tokens=1", "data.sequence_tokens"},
    {"data.validation_fraction=1.0", "data.validation_fraction"},
    {"data.validation_fraction=nan", "data.validation_fraction"},
    {"data.sources=3", "data.sources: expected an array of tables"},
    {"data.sources=[{ weight = 1.0 }]", "data.sources.path: expected a value"},
    {"data.sources=[{ path = \"a\", weight = 0 }]", "data.sources.weight"},
    {"data.sequences_per_step=0", "data.sequences_per_step"},
    {"optimiser.learning_rate=11", "optimiser.learning_rate"},
    {"optimiser.learning_rate=inf", "optimiser.learning_rate"},
    {"optimiser.beta1=1.0", "optimiser.beta1"},
    {"optimiser.clip_norm=0", "optimiser.clip_norm"},
    {"optimiser.decay_end=10", "optimiser.decay_end: expected at least decay_start"},
    {"losses.balance=-1", "losses.balance"},
    {"quantisation.fp4=true", "quantisation.fp4: expected fp8 = true"},
    {"quantisation.fp8=1", "quantisation.fp8: expected true or false"},
    {"run=3", "--set: expected TABLE.KEY=VALUE"},
    {"run.steps", "--set: expected TABLE.KEY=VALUE"},
};

TEST(Recipe, RefusesByNameWhatIsOutOfRange) {
  for (const Refused& c : kRefused) {
    const auto recipe = parse_recipe(kSmallest, "", {c.change});
    ASSERT_FALSE(recipe.ok()) << c.change;
    EXPECT_EQ(recipe.status().code(), StatusCode::kInvalidArgument) << c.change;
    EXPECT_THAT(std::string(recipe.status().message()), HasSubstr(c.message)) << c.change;
  }
}

TEST(Recipe, RefusesWhatIsMissing) {
  EXPECT_THAT(std::string(parse_recipe("", "", {}).status().message()), HasSubstr("model"));
  EXPECT_THAT(std::string(parse_recipe("[model]\nconfig = \"a\"\n", "", {}).status().message()),
              HasSubstr("model.tokenizer: expected a value"));
}

TEST(Recipe, StagesMustRise) {
  const auto recipe =
      parse_recipe(std::string(kSmallest) + "[[stage]]\nfrom = 5\n[[stage]]\nfrom = 5\n", "", {});
  ASSERT_FALSE(recipe.ok());
  EXPECT_THAT(std::string(recipe.status().message()), HasSubstr("stage.from"));
}

}  // namespace
}  // namespace fathom
