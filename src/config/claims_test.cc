// SPDX-License-Identifier: MIT
// Parameter counts, costs and state sizes against the published figures and tests/fixtures/claims.json.
#include "config/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"
#include "config/config_rules.h"
#include "config/state_bytes.h"
#include "io/directory.h"
#include "io/read_file.h"

namespace fathom {
namespace {

std::string text_of(const std::string& path) {
  const Result<File> file = open_path(system_io(), concat(FATHOM_SOURCE_DIR, "/", path));
  EXPECT_TRUE(file.ok()) << file.status().message();
  return read_file(*file, path, 1 << 20).value();
}

ModelConfig config_of(const std::string& path) { return parse_model_config_text(text_of(path)).value(); }
ModelConfig flash() { return config_of("tests/fixtures/configs/flash.json"); }
ModelConfig pro() { return config_of("tests/fixtures/configs/pro.json"); }

// Integers equal, reals to 1e-12 relative, the same members in the same order.
void expect_same(const JsonValue& found, const JsonValue& expected, const std::string& where) {
  ASSERT_EQ(found.kind(), expected.kind()) << where;
  if (expected.is_number()) {
    if (expected.as_int64()) {
      EXPECT_EQ(found.as_int64(), expected.as_int64()) << where;
    } else {
      EXPECT_NEAR(*found.as_double(), *expected.as_double(), 1e-12 * *expected.as_double()) << where;
    }
    return;
  }
  ASSERT_TRUE(expected.is_object()) << where;
  ASSERT_EQ(found.members().size(), expected.members().size()) << where;
  for (size_t i = 0; i < expected.members().size(); ++i) {
    const auto& [key, value] = expected.members()[i];
    EXPECT_EQ(found.members()[i].first, key) << where;
    expect_same(found.members()[i].second, value, where + "." + key);
  }
}

TEST(Claims, EqualTheFixtureForFlashAndPro) {
  const JsonValue expected = read_json(text_of("tests/fixtures/claims.json")).value();
  expect_same(claims_json(flash()), *expected.find("flash"), "flash");
  expect_same(claims_json(pro()), *expected.find("pro"), "pro");
}

// "284B/13B", "1.6T/49B" (architecture.md 1); at 1M tokens 10 % and 27 % of V3.2's FLOPs, 7 % and 10 % of its
// cache.
TEST(Claims, ArePublishedFigures) {
  EXPECT_NEAR(static_cast<double>(count_parameters(flash()).total), 284e9, 0.5e9);
  EXPECT_NEAR(static_cast<double>(count_parameters(flash()).active), 13e9, 0.5e9);
  EXPECT_NEAR(static_cast<double>(count_parameters(pro()).total), 1.6e12, 0.05e12);
  EXPECT_NEAR(static_cast<double>(count_parameters(pro()).active), 49e9, 0.5e9);
  const TokenCost v32 = v32_token_cost(1 << 20);
  EXPECT_NEAR(token_cost(flash(), 1 << 20).equivalent / v32.equivalent, 0.10, 0.005);
  EXPECT_NEAR(token_cost(pro(), 1 << 20).equivalent / v32.equivalent, 0.27, 0.005);
  EXPECT_NEAR(static_cast<double>(token_cost(flash(), 1 << 20).kv_bytes) / static_cast<double>(v32.kv_bytes),
              0.07, 0.005);
  EXPECT_NEAR(static_cast<double>(token_cost(pro(), 1 << 20).kv_bytes) / static_cast<double>(v32.kv_bytes),
              0.10, 0.005);
}

// models/tiny-chat/README.md: 10,174,990 parameters, MTP included; each MTP tensor is added here by hand.
TEST(Claims, TinyChatCountsToItsReadme) {
  const ModelConfig config = config_of("models/tiny-chat/config.json");
  ModelConfig with_mtp_block = config;
  with_mtp_block.layers.push_back(config.mtp_layer);
  const int64_t D = 256, n = 4;
  const int64_t mtp_extra = 2 * D * D + 3 * D + n * n * D + n + 1;  // e_proj, h_proj; three norms; head
  EXPECT_EQ(count_parameters(with_mtp_block).total + mtp_extra, 10'174'990);
}

TEST(Claims, TheCapsEstimateIsCloseToTheCount) {
  for (const ModelConfig& config : {flash(), pro(), config_of("models/tiny-chat/config.json")}) {
    const double exact = static_cast<double>(count_parameters(config).total);
    EXPECT_GT(estimate_parameters(config), 0.5 * exact);
    EXPECT_LT(estimate_parameters(config), 2.0 * exact);
  }
}

TEST(Claims, TheTextHasALineForEachLength) {
  const std::string text = claims_text(flash());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3 + static_cast<int>(kClaimLengths.size()));
  EXPECT_THAT(text, testing::HasSubstr("1048576"));
  EXPECT_THAT(text, testing::HasSubstr("10.16%"));
}

// design.md 5: 584 and 68 bytes a row; 3,514 and 5,031 B per token plus 18 and 27 MB; 3.70 and 5.30 GB at 1M
// tokens.
TEST(StateBytes, AreTheDesignsFigures) {
  EXPECT_EQ(deployed_entry_bytes(flash()), 584);
  EXPECT_EQ(deployed_index_key_bytes(flash()), 68);
  const int64_t tokens = 1 << 20;
  const auto per_token = [&](const ModelConfig& config) {  // without the 4 bytes of the token's id
    return (deployed_state_bytes(config, tokens) - deployed_state_bytes(config, 0)) / tokens - 4;
  };
  EXPECT_EQ(per_token(flash()), 3514);
  EXPECT_EQ(per_token(pro()), 5031);
  EXPECT_NEAR(static_cast<double>(deployed_state_bytes(flash(), 0)), 18.7e6, 0.05e6);
  EXPECT_NEAR(static_cast<double>(deployed_state_bytes(pro(), 0)), 28.1e6, 0.05e6);
  EXPECT_NEAR(static_cast<double>(deployed_state_bytes(flash(), tokens)), 3.70e9, 0.01e9);
  EXPECT_NEAR(static_cast<double>(deployed_state_bytes(pro(), tokens)), 5.30e9, 0.01e9);
}

// A page is taken when its first row is: entry 1 at token 4 (ratio 4), entry 33 at token 132.
TEST(StateBytes, GrowByWholePages) {
  ModelConfig config = flash();
  config.num_nextn_predict_layers = 0;
  config.layers.resize(3);  // 0, 0, 4
  const auto bytes = [&](int64_t tokens) { return deployed_state_bytes(config, tokens) - 4 * tokens; };
  const int64_t page = 32 * (584 + 68);
  EXPECT_EQ(bytes(3), bytes(0));
  EXPECT_EQ(bytes(4), bytes(0) + page);
  EXPECT_EQ(bytes(131), bytes(0) + page);
  EXPECT_EQ(bytes(132), bytes(0) + 2 * page);
}

// The largest legal config must not wrap (reliability.md D-5).
TEST(StateBytes, StayPositiveAtTheCaps) {
  ModelConfig config = flash();
  config.head_dim = 1 << 20;
  config.index_head_dim = 1 << 19;
  config.num_attention_heads = 512;
  config.sliding_window = 1 << 20;
  config.layers.assign(1024, config.layers[2]);
  for (LayerConfig& layer : config.layers) layer.compress_ratio = 1;
  EXPECT_GT(deployed_state_bytes(config, int64_t{1} << 30), int64_t{1} << 60);
  EXPECT_GT(token_cost(config, 1 << 20).kv_bytes, 0);
  EXPECT_GT(token_cost(config, 1 << 20).core, 0);
  EXPECT_GT(count_parameters(config).total, 0);
}

}  // namespace
}  // namespace fathom
