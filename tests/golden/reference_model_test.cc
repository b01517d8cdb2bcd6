// SPDX-License-Identifier: MIT
// reference/ against every tiny checkpoint of fixtures/model, in double and in float, through the product's
// own loading.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "golden/checkpoint.h"
#include "golden/golden_model.h"
#include "golden/reference_producer.h"

namespace fathom {
namespace {

class ReferenceModel : public testing::TestWithParam<std::string> {};

std::string all_failures(const FixtureFigures& figures) {
  std::string text;
  for (const std::string& failure : figures.failures) text += failure + "\n";
  return text;
}

// The fixtures were computed in double and stored as float32, so nothing but that rounding may differ,
// whether the round trips are on or off: one ulp of the largest values (8 to 16).
TEST_P(ReferenceModel, InDoubleEveryValueIsTheFixtures) {
  const FixtureFigures got =
      compare_with_fixture(GetParam(), reference_producer<double>(open_fixture_checkpoint(GetParam())), 0);
  EXPECT_TRUE(got.failures.empty()) << all_failures(got);
  for (const ModeFigures* mode : {&got.deployed, &got.exact}) {
    EXPECT_LE(mode->logits.max, 1e-6);
    EXPECT_LE(mode->mtp_logits.max, 1e-6);
    EXPECT_LE(mode->streams.max, 1e-6);
    EXPECT_GT(mode->logits.rows, 0);
    EXPECT_GT(mode->streams.rows, 0);
    EXPECT_GT(mode->choices, 0);
    EXPECT_EQ(mode->differing_choices, 0);
  }
}

TEST_P(ReferenceModel, InFloatThePassBarsHold) {
  const FixtureFigures got =
      compare_with_fixture(GetParam(), reference_producer<float>(open_fixture_checkpoint(GetParam())), 0);
  EXPECT_TRUE(got.failures.empty()) << all_failures(got);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ReferenceModel, testing::ValuesIn(model_fixture_names()),
                         [](const auto& fixture) {
                           std::string name = fixture.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace fathom
