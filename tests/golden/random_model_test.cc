// SPDX-License-Identifier: MIT
// The generator of tests/support/random_model.h: what it promises, checked through the product's own loading.
#include "support/random_model.h"

#include <gtest/gtest.h>

#include <set>

#include "golden/checkpoint.h"

namespace fathom {
namespace {

constexpr uint64_t kSeeds = 36;

TEST(RandomModel, TheSameSeedGivesTheSameBytes) {
  const RandomModel a = make_random_model(5);
  const RandomModel b = make_random_model(5);
  EXPECT_EQ(a.config_text, b.config_text);
  EXPECT_EQ(a.safetensors, b.safetensors);
  EXPECT_NE(a.safetensors, make_random_model(6).safetensors);
}

TEST(RandomModel, TheSeedsCoverEveryMechanismInEveryStorage) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const RandomModel model = make_random_model(seed);
    EXPECT_LT(model.safetensors.size(), 2'000'000u) << "seed " << seed;
    const Checkpoint checkpoint = open_checkpoint_in_memory(model.config_text, model.safetensors);
    const ModelConfig& config = checkpoint.config;
    const std::string storage = !config.quantized                          ? "plain "
                                : config.expert_dtype == ExpertDtype::kFp4 ? "fp4 "
                                                                           : "fp8 ";
    for (const LayerConfig& layer : config.layers) {
      seen.insert(storage + "kind " + std::to_string(static_cast<int>(layer.kind)));
      seen.insert(storage + "router " + std::to_string(static_cast<int>(layer.router)));
    }
    seen.insert(storage + "scoring " + std::to_string(static_cast<int>(config.scoring_func)));
    seen.insert(storage + "mtp " + std::to_string(config.num_nextn_predict_layers));
    EXPECT_EQ(checkpoint.weights.mtp.has_value(), config.num_nextn_predict_layers == 1) << "seed " << seed;
  }
  EXPECT_EQ(seen.size(), 3u * (3 + 2 + 3 + 2)) << testing::PrintToString(seen);
}

TEST(RandomModel, ADirectoryHoldsTheSameModel) {
  const RandomModel model = make_random_model(4);
  const std::string directory = testing::TempDir();
  ASSERT_TRUE(write_model_directory(model, directory).ok());
  const Checkpoint from_disk = open_checkpoint(directory);
  EXPECT_EQ(from_disk.store.tensors().size(),
            open_checkpoint_in_memory(model.config_text, model.safetensors).store.tensors().size());
}

}  // namespace
}  // namespace fathom
