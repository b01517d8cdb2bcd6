// SPDX-License-Identifier: MIT
// generation_config.json: what is read, what is refused, what a missing file means (api.md 4).
#include "engine/generation_defaults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/builtin_model.h"
#include "support/failing_io.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string error_of(const std::string& text) {
  const auto defaults = parse_generation_config(text);
  return defaults.ok() ? "" : std::string(defaults.status().message());
}

TEST(GenerationDefaults, EverySamplingKeyIsRead) {
  const auto defaults = parse_generation_config(
      R"({"do_sample": true, "temperature": 0.6, "top_p": 0.95, "top_k": 40, "min_p": 0.05,
          "repetition_penalty": 1.1, "bos_token_id": 0, "eos_token_id": [1, 2], "transformers_version": "4"})");
  ASSERT_TRUE(defaults.ok()) << defaults.status().message();
  EXPECT_FALSE(defaults->greedy);
  EXPECT_EQ(defaults->sampling.temperature, 0.6);
  EXPECT_EQ(defaults->sampling.top_p, 0.95);
  EXPECT_EQ(defaults->sampling.top_k, 40);
  EXPECT_EQ(defaults->sampling.min_p, 0.05);
  EXPECT_EQ(defaults->sampling.repetition_penalty, 1.1);
}

TEST(GenerationDefaults, AbsentAndNullKeysKeepTheDefaults) {
  for (const char* text :
       {"{}", R"({"do_sample": null, "temperature": null, "top_p": null, "top_k": null})"}) {
    const auto defaults = parse_generation_config(text);
    ASSERT_TRUE(defaults.ok()) << text << ": " << defaults.status().message();
    EXPECT_FALSE(defaults->greedy) << text;
    EXPECT_EQ(defaults->sampling.temperature, 1.0) << text;
    EXPECT_EQ(defaults->sampling.top_p, 1.0) << text;
    EXPECT_EQ(defaults->sampling.top_k, 0) << text;
  }
}

TEST(GenerationDefaults, NoSamplingMeansGreedyButKeepsTheTemperature) {
  const auto defaults = parse_generation_config(R"({"do_sample": false, "temperature": 0.7})");
  ASSERT_TRUE(defaults.ok());
  EXPECT_TRUE(defaults->greedy);
  EXPECT_EQ(defaults->sampling.temperature, 0.7);
}

TEST(GenerationDefaults, WrongValuesAreRefusedByName) {
  for (const char* key : {"temperature", "top_p", "top_k", "min_p", "repetition_penalty"}) {
    for (const char* value : {"\"1\"", "true", "[]", "{}", "-1", "1e400", "1e9"}) {
      const std::string message = error_of(std::string("{\"") + key + "\": " + value + "}");
      std::string spelled = key;
      if (message.find(spelled) == std::string::npos) std::replace(spelled.begin(), spelled.end(), '_', '-');
      EXPECT_THAT(message, HasSubstr(spelled)) << key << " = " << value;
      EXPECT_THAT(message, HasSubstr("generation_config.json: ")) << key << " = " << value;
    }
  }
  EXPECT_EQ(error_of(R"({"do_sample": 1})"),
            "generation_config.json: do_sample: expected a boolean, found 1");
  EXPECT_EQ(error_of(R"({"top_k": 1.5})"), "generation_config.json: top_k: expected an integer, found 1.5");
}

TEST(GenerationDefaults, WhatIsNoJsonObjectIsCorrupt) {
  for (const char* text : {"", "[]", "1", "{", "{\"top_p\": 1, \"top_p\": 1}", "\xff"}) {
    const auto defaults = parse_generation_config(text);
    ASSERT_FALSE(defaults.ok()) << text;
    EXPECT_EQ(defaults.status().code(), StatusCode::kCorrupt) << text;
  }
}

TEST(GenerationDefaults, TheBuiltInModelIsGreedy) {
  const auto defaults = open_generation_defaults(system_io(), std::string(kBuiltinModelName));
  ASSERT_TRUE(defaults.ok()) << defaults.status().message();
  EXPECT_TRUE(defaults->greedy);
}

class GenerationDefaultsFile : public testing::Test {
 protected:
  GenerationDefaultsFile() : model_(fs::path(testing::TempDir()) / "fathom_generation_defaults") {
    fs::remove_all(model_);
    fs::create_directories(model_);
  }
  ~GenerationDefaultsFile() override { fs::remove_all(model_); }
  fs::path model_;
};

TEST_F(GenerationDefaultsFile, AMissingFileMeansTheDefaultsAMissingModelIsAnError) {
  const auto defaults = open_generation_defaults(system_io(), model_);
  ASSERT_TRUE(defaults.ok()) << defaults.status().message();
  EXPECT_FALSE(defaults->greedy);
  EXPECT_EQ(open_generation_defaults(system_io(), model_ / "none").status().code(), StatusCode::kNotFound);
}

TEST_F(GenerationDefaultsFile, EveryFailedCallIsAnError) {
  std::ofstream(model_ / "generation_config.json") << R"({"temperature": 0.5})";
  FailingIo counting;
  const auto defaults = open_generation_defaults(counting, model_);
  ASSERT_TRUE(defaults.ok()) << defaults.status().message();
  EXPECT_EQ(defaults->sampling.temperature, 0.5);
  ASSERT_GE(counting.calls(), 3);
  for (int n = 1; n <= counting.calls(); ++n) {
    FailingIo failing(n);
    EXPECT_EQ(open_generation_defaults(failing, model_).status().code(), StatusCode::kIo) << "call " << n;
    EXPECT_EQ(failing.open_descriptors(), 0) << "call " << n;
  }
}

}  // namespace
}  // namespace fathom
