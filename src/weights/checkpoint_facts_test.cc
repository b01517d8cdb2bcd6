// SPDX-License-Identifier: MIT
#include "weights/checkpoint_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "base/concat.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

struct Model {
  ModelConfig config;
  CheckpointFacts facts;
};

Model open(const std::string& path) {
  const std::string directory = concat(FATHOM_SOURCE_DIR, "/", path);
  const Result<WeightStore> store = WeightStore::open(system_io(), directory);
  EXPECT_TRUE(store.ok()) << store.status().message();
  return {parse_model_config_text(read_config_text(system_io(), directory).value()).value(),
          describe_checkpoint(*store)};
}

int64_t bytes_of(const std::vector<TensorGroup>& groups, std::string_view name) {
  for (const TensorGroup& group : groups) {
    if (group.name == name) return group.bytes;
  }
  return -1;
}

// models/tiny-chat/README.md: 11,758,356 bytes of weights, which is the whole file; 49,992 of them are its
// header.
TEST(CheckpointFacts, TinyChatHasTheBytesOfItsReadme) {
  const Model model = open("models/tiny-chat");
  EXPECT_EQ(model.facts.file_bytes, 11'758'356);
  EXPECT_EQ(model.facts.tensor_bytes, 11'758'356 - 49'992);
  EXPECT_EQ(model.facts.files, 1);
  for (const auto& groups : {model.facts.formats, model.facts.parts}) {
    int64_t bytes = 0;
    int64_t tensors = 0;
    for (const TensorGroup& group : groups) {
      bytes += group.bytes;
      tensors += group.tensors;
    }
    EXPECT_EQ(bytes, model.facts.tensor_bytes);
    EXPECT_EQ(tensors, model.facts.tensors);
    EXPECT_TRUE(std::ranges::is_sorted(groups, std::greater<>(), &TensorGroup::bytes));
  }
  EXPECT_EQ(bytes_of(model.facts.parts, "embedding"), 2 * 4096 * 256);
  EXPECT_EQ(bytes_of(model.facts.parts, "head"), 2 * 4096 * 256);
  // Five layers of eight experts, three matrices of 128 x 256, four bits and a scale byte per 32.
  EXPECT_EQ(bytes_of(model.facts.parts, "routed experts"), 5 * 8 * 3 * (128 * 256 / 2 + 128 * 256 / 32));
  EXPECT_EQ(bytes_of(model.facts.parts, "other"), -1);
}

TEST(CheckpointFacts, BothSpellingsHaveTheSameParts) {
  Model released = open("tests/fixtures/model/bf16");
  const Model transformers = open("tests/fixtures/model/mixed-hf");
  EXPECT_EQ(transformers.facts.spelling, TensorSpelling::kTransformers);
  std::erase_if(released.facts.parts, [](const TensorGroup& group) { return group.name == "MTP"; });
  EXPECT_EQ(released.facts.parts.size(), transformers.facts.parts.size());
  for (const TensorGroup& group : released.facts.parts) {
    const int64_t factor = group.name == "norms" ? 2 : 1;  // Transformers writes norms as F32
    if (group.name != "compressors" && group.name != "indexer") {
      EXPECT_EQ(bytes_of(transformers.facts.parts, group.name), factor * group.bytes) << group.name;
    }
  }
  EXPECT_EQ(bytes_of(transformers.facts.parts, "other"), -1);
}

TEST(CheckpointFacts, JsonHoldsExactNumbers) {
  const Model model = open("models/tiny-chat");
  const JsonValue json = inspect_json(model.config, model.facts);
  EXPECT_EQ(json.find("weights")->find("file_bytes")->as_int64(), 11'758'356);
  EXPECT_EQ(json.find("config")->find("layers")->items().size(), 5u);
  EXPECT_EQ(json.find("config")->find("layers")->items()[3].find("compress_ratio")->as_int64(), 128);
  EXPECT_EQ(inspect_json(model.config, std::nullopt).find("weights"), nullptr);
}

TEST(CheckpointFacts, TextIsForReading) {
  const Model model = open("models/tiny-chat");
  const std::string text = inspect_text(model.config, model.facts);
  EXPECT_THAT(text, HasSubstr("layers          5: 2 window, 2 CSA (ratio 4), 1 HCA (ratio 128)\n"));
  EXPECT_THAT(text, HasSubstr("weights         11.71 MB in "));
  EXPECT_THAT(text, HasSubstr("F8_E4M3"));
  EXPECT_THAT(inspect_text(model.config, std::nullopt), HasSubstr("none in this directory"));
}

}  // namespace
}  // namespace fathom
