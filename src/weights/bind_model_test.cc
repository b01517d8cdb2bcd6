// SPDX-License-Identifier: MIT
// Binding of whole checkpoints and the refusals of reliability.md F-4.
#include "weights/bind_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "base/concat.h"
#include "config/model_config.h"
#include "numeric/bf16.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"
#include "weights/safetensors_writer.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

const std::string kFixtures = std::string(FATHOM_SOURCE_DIR) + "/tests/fixtures/model/";

ModelConfig config_of(const std::string& directory) {
  Result<std::string> text = read_config_text(system_io(), directory);
  EXPECT_TRUE(text.ok()) << text.status().message();
  Result<ModelConfig> config = parse_model_config_text(*text);
  EXPECT_TRUE(config.ok()) << config.status().message();
  return std::move(config).value();
}

struct Bound {
  ModelConfig config;
  WeightStore store;
  ModelWeights weights;
};

Bound bind_directory(const std::string& directory) {
  ModelConfig config = config_of(directory);
  Result<WeightStore> store = WeightStore::open(system_io(), directory);
  EXPECT_TRUE(store.ok()) << store.status().message();
  Result<ModelWeights> weights = bind_model(config, *store);
  EXPECT_TRUE(weights.ok()) << directory << ": " << weights.status().message();
  return {std::move(config), std::move(store).value(), std::move(weights).value()};
}

TEST(BindModel, EveryFixtureAndTinyChatBindWithoutALeftOverTensor) {
  for (const char* name : {"dense", "csa", "hca", "mixed", "bf16", "mixed-hf", "odd-types", "odd-ratios"}) {
    const Bound bound = bind_directory(kFixtures + name);
    EXPECT_EQ(bound.store.unbound_tensors(), 0) << name;
    EXPECT_EQ(bound.weights.layers.size(), static_cast<size_t>(bound.config.num_hidden_layers)) << name;
  }
  const Bound tiny = bind_directory(std::string(FATHOM_SOURCE_DIR) + "/models/tiny-chat");
  EXPECT_EQ(tiny.store.unbound_tensors(), 0);
  EXPECT_TRUE(tiny.weights.mtp.has_value());
}

}  // namespace
}  // namespace fathom
