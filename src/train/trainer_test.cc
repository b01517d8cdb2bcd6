// SPDX-License-Identifier: MIT
// Whole runs of a tiny model: resume, threads, skipped steps, the exported model (training.md 1, 11, 12;
// reliability.md T-1 to T-4).
#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "base/concat.h"
#include "weights/bind_model.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Every mechanism once: window with hash router, CSA, HCA, MTP; the tokenizer of the built-in model.
constexpr const char* kConfig = R"({
  "architectures": ["DeepseekV4ForCausalLM"], "model_type": "deepseek_v4", "torch_dtype": "float32",
  "max_position_embeddings": 256, "num_key_value_heads": 1, "n_shared_experts": 1, "norm_topk_prob": true,
  "vocab_size": 4096, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "head_dim": 24,
  "qk_rope_head_dim": 8, "q_lora_rank": 16, "o_groups": 2, "o_lora_rank": 8, "index_n_heads": 2,
  "index_head_dim": 16, "index_topk": 3, "n_routed_experts": 3, "num_experts_per_tok": 2,
  "moe_intermediate_size": 32, "num_hash_layers": 1, "compress_ratios": [0, 4, 16, 0], "sliding_window": 6,
  "rope_theta": 10000, "compress_rope_theta": 160000, "hc_mult": 4, "hc_sinkhorn_iters": 4, "hc_eps": 1e-6,
  "scoring_func": "sqrtsoftplus", "routed_scaling_factor": 1.5, "swiglu_limit": 10.0, "rms_norm_eps": 1e-6,
  "num_nextn_predict_layers": 1})";

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() : root_(fs::path(testing::TempDir()) / "trainer_test") {
    fs::remove_all(root_);
    fs::create_directories(root_);
    std::ofstream(root_ / "config.json") << kConfig;
    std::ofstream data(root_ / "data.jsonl");
    for (int i = 0; i < 60; ++i) {
      data << "{\"text\": \"The number after " << i << " is " << i + 1
           << ". It is a fine number, is it not?\"}\n";
    }
  }
  ~TrainerTest() override { fs::remove_all(root_); }

  Recipe recipe(const std::string& run, const std::vector<std::string>& changes = {}) const {
    const std::string text =
        concat("[model]\nconfig = \"config.json\"\ntokenizer = \"", FATHOM_SOURCE_DIR,
               "/models/tiny-chat/tokenizer.json\"\n[run]\ndirectory = \"", run,
               "\"\nsteps = 6\ncheckpoint_every = 3\nvalidate_every = 3\n[data]\nsources = [{ path "
               "= \"data.jsonl\" }]\nsequence_tokens = 48\nvalidation_fraction = 0.2\n"
               "sequences_per_step = 4\nsequences_per_pass = 2\ncache = \"tokens\"\n");
    auto parsed = parse_recipe(text, root_.string(), changes);
    if (!parsed.ok()) ADD_FAILURE() << parsed.status().message();
    return std::move(parsed).value();
  }

  // Runs until `stop_after` steps are done.
  std::unique_ptr<Trainer> run(const Recipe& recipe, int threads, RunStart start, int64_t stop_after) {
    auto trainer = Trainer::open(system_io(), recipe, {.threads = threads}, start);
    if (!trainer.ok()) {
      ADD_FAILURE() << trainer.status().message();
      return nullptr;
    }
    const Status status = (*trainer)->run(hooks((*trainer).get(), stop_after));
    EXPECT_TRUE(status.ok()) << status.message();
    return std::move(trainer).value();
  }
  TrainerHooks hooks(const Trainer* trainer, int64_t stop_after) {
    TrainerHooks hooks;
    hooks.seconds = [] { return 0.0; };
    hooks.wall_seconds = [] { return 0; };
    hooks.on_step = [this](const StepReport& report) { reports_.push_back(report); };
    hooks.should_stop = [trainer, stop_after] { return trainer->state().step >= stop_after; };
    return hooks;
  }

  static std::string bytes(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  fs::path root_;
  std::vector<StepReport> reports_;
};

TEST_F(TrainerTest, SplitRunsEqualOneRunToTheBitForAnyThreads) {
  run(recipe("whole"), 1, RunStart::kNew, 6);
  run(recipe("split"), 2, RunStart::kNew, 2);
  run(recipe("split"), 2, RunStart::kResume, 4);
  run(recipe("split"), 1, RunStart::kResume, 6);
  for (const char* file : {"weights.safetensors", "optimizer.safetensors", "state.json"}) {
    const fs::path name = fs::path("checkpoints") / "step-6" / file;
    EXPECT_FALSE(bytes(root_ / "whole" / name).empty()) << file;
    EXPECT_EQ(bytes(root_ / "whole" / name) == bytes(root_ / "split" / name), true) << file;
  }
}

TEST_F(TrainerTest, LossFalls) {
  run(recipe("falls", {"run.steps=30", "optimiser.learning_rate=0.01"}), 2, RunStart::kNew, 30);
  ASSERT_EQ(reports_.size(), 30u);
  // ln(4096) = 8.3 at first: every token is as likely.
  EXPECT_NEAR(reports_.front().losses.lm, 8.3, 0.2);
  EXPECT_LT(reports_.back().losses.lm, 6.0);
  EXPECT_TRUE(reports_.back().validation_loss.has_value());
  EXPECT_LT(*reports_.back().validation_loss, 7.0);
}

// What is served is what was trained: the exported files give the trainer's own validation loss.
void expect_exported_loss(const fs::path& run, const TrainingBatch& batch, double want) {
  const std::string directory = (run / "model").string();
  const ModelConfig config =
      parse_model_config_text(read_config_text(system_io(), directory).value()).value();
  WeightStore store = WeightStore::open(system_io(), directory).value();
  const ModelWeights weights = bind_model(config, store).value();
  const auto pool = ThreadPool::create(1).value();
  GradientPass pass =
      GradientPass::create(config, weights,
                           {.rows = batch.rows(), .workers = 1, .rounding = Rounding::kAsDeployed})
          .value();
  LossValues sums;
  ASSERT_TRUE(pass.losses(*pool, batch, sums).ok());
  EXPECT_NEAR(sums.lm, want, 1e-5 * static_cast<double>(batch.rows()));
}

TEST_F(TrainerTest, ExportedModelHasTheTrainersLoss) {
  for (const bool quantised : {false, true}) {
    SCOPED_TRACE(quantised);
    const std::string name = quantised ? "fp8" : "f32";
    std::vector<std::string> changes = {"run.steps=2"};
    if (quantised) changes.insert(changes.end(), {"quantisation.fp8=true", "quantisation.fp4=true"});
    const auto trainer = run(recipe(name, changes), 2, RunStart::kNew, 2);
    ASSERT_NE(trainer, nullptr);
    TrainingBatch batch;
    const std::vector<int32_t> tokens = {0,  51, 700, 33, 900, 12, 5,  1000, 2, 77,
                                         60, 61, 62,  63, 64,  65, 66, 67,   1};
    batch.add_document(tokens);
    const auto pool = ThreadPool::create(1).value();
    const ModelConfig config = parse_model_config_text(kConfig).value();
    GradientPass pass =
        GradientPass::create(config, trainer->parameters().weights,
                             {.rows = batch.rows(), .workers = 1, .rounding = Rounding::kAsDeployed})
            .value();
    LossValues sums;
    ASSERT_TRUE(pass.losses(*pool, batch, sums).ok());
    expect_exported_loss(root_ / name, batch, sums.lm);
  }
}

TEST_F(TrainerTest, DamagedCheckpointIsPassedOver) {
  run(recipe("damaged"), 1, RunStart::kNew, 6);
  const fs::path weights = root_ / "damaged" / "checkpoints" / "step-6" / "weights.safetensors";
  std::string text = bytes(weights);
  text[text.size() / 2] ^= 1;
  std::ofstream(weights, std::ios::binary) << text;
  const auto trainer = Trainer::open(system_io(), recipe("damaged"), {.threads = 1}, RunStart::kResume);
  ASSERT_TRUE(trainer.ok()) << trainer.status().message();
  EXPECT_EQ((*trainer)->state().step, 3);
}

TEST_F(TrainerTest, ResumeRefusesOtherData) {
  run(recipe("other"), 1, RunStart::kNew, 3);
  std::ofstream(root_ / "data.jsonl")
      << "{\"text\": \"something else entirely, and long enough to train on\"}\n";
  const auto trainer = Trainer::open(system_io(), recipe("other", {"data.validation_fraction=0"}),
                                     {.threads = 1}, RunStart::kResume);
  ASSERT_FALSE(trainer.ok());
  EXPECT_THAT(std::string(trainer.status().message()),
              HasSubstr("expected the data that the run began with"));
}

TEST_F(TrainerTest, NewRunRefusesADirectoryWithCheckpoints) {
  run(recipe("taken"), 1, RunStart::kNew, 3);
  const auto trainer = Trainer::open(system_io(), recipe("taken"), {.threads = 1}, RunStart::kNew);
  ASSERT_FALSE(trainer.ok());
  EXPECT_THAT(std::string(trainer.status().message()), HasSubstr("--resume"));
}

TEST_F(TrainerTest, StageOfTheIndexerChangesNothingElse) {
  Recipe staged = recipe("indexer", {"run.steps=2"});
  staged.stages = {{1, {.attention = CsaAttention::kDense, .trained = Trained::kIndexerOnly, .index = 1.0}}};
  auto trainer = Trainer::open(system_io(), staged, {.threads = 1}, RunStart::kNew);
  ASSERT_TRUE(trainer.ok()) << trainer.status().message();
  std::vector<std::vector<float>> before;
  for (const Parameter& p : (*trainer)->parameters().parameters) {
    before.emplace_back(p.master.data(), p.master.data() + p.size());
  }
  ASSERT_TRUE((*trainer)->run(hooks(trainer->get(), 2)).ok());
  for (size_t i = 0; i < before.size(); ++i) {
    const Parameter& p = (*trainer)->parameters().parameters[i];
    const bool same = std::memcmp(before[i].data(), p.master.data(), before[i].size() * sizeof(float)) == 0;
    EXPECT_EQ(same, p.name.find(".indexer.") == std::string::npos) << p.name;
  }
}

// An infinite learning rate makes weights that give no finite loss; from then on every step is skipped and
// nothing moves any more.
TEST_F(TrainerTest, StepsWithoutAFiniteLossAreSkippedAndTheRunEndsAfterTen) {
  Recipe broken = recipe("broken", {"run.steps=40", "run.checkpoint_every=40"});
  broken.learning_rate = {.peak = std::numeric_limits<double>::max(), .decay_start = 40, .decay_end = 41};
  auto trainer = Trainer::open(system_io(), broken, {.threads = 1}, RunStart::kNew);
  ASSERT_TRUE(trainer.ok()) << trainer.status().message();
  const Status status = (*trainer)->run(hooks(trainer->get(), 40));
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("10 steps in a row were skipped"));
  EXPECT_EQ((*trainer)->state().skipped, 10);
  EXPECT_EQ((*trainer)->state().updates, (*trainer)->state().step - 10);
}

TEST_F(TrainerTest, WeightsThatAreNotFiniteAreNeverSaved) {
  Recipe broken = recipe("unsaved", {"run.checkpoint_every=1"});
  broken.learning_rate = {.peak = std::numeric_limits<double>::max(), .decay_start = 40, .decay_end = 41};
  auto trainer = Trainer::open(system_io(), broken, {.threads = 1}, RunStart::kNew);
  ASSERT_TRUE(trainer.ok()) << trainer.status().message();
  const Status status = (*trainer)->run(hooks(trainer->get(), 40));
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("expected finite weights to save"));
  EXPECT_FALSE(fs::exists(root_ / "unsaved" / "checkpoints"));
}

}  // namespace
}  // namespace fathom
