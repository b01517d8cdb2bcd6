// SPDX-License-Identifier: MIT
#include "train/recipe.h"

#include <algorithm>

#include "base/concat.h"
#include "io/toml.h"
#include "train/recipe_table.h"

namespace fathom {
namespace {

constexpr int64_t kMaxSteps = int64_t{1} << 40;
constexpr int64_t kMaxSequences = int64_t{1} << 20;

std::string resolved(const std::string& base_directory, const std::string& path) {
  return path.empty() || path.front() == '/' || base_directory.empty() ? path : base_directory + "/" + path;
}

Status read_model(const JsonValue* part, const std::string& base, Recipe& recipe) {
  RecipeTable table(part, "model");
  table.require("config");
  table.require("tokenizer");
  recipe.config_file = resolved(base, table.text("config", ""));
  recipe.tokenizer_file = resolved(base, table.text("tokenizer", ""));
  recipe.initial_model = resolved(base, table.text("from", ""));
  return table.finish();
}

Status read_run(const JsonValue* part, const std::string& base, Recipe& recipe) {
  RecipeTable table(part, "run");
  table.require("directory");
  table.require("steps");
  recipe.run_directory = resolved(base, table.text("directory", ""));
  recipe.steps = table.integer("steps", 1, kMaxSteps, 1);
  recipe.seed = static_cast<uint64_t>(table.integer("seed", 0, INT64_MAX, 1));
  recipe.checkpoint_every = table.integer("checkpoint_every", 1, kMaxSteps, recipe.checkpoint_every);
  recipe.validate_every = table.integer("validate_every", 1, kMaxSteps, recipe.validate_every);
  recipe.validation_sequences =
      table.integer("validation_sequences", 0, kMaxSequences, recipe.validation_sequences);
  return table.finish();
}

Status read_source(const JsonValue& item, const std::string& base, DataOptions& data) {
  RecipeTable table(&item, "data.sources");
  table.require("path");
  DataSource source;
  source.path = resolved(base, table.text("path", ""));
  source.weight = table.number("weight", 1e-9, 1e9, 1.0);
  data.sources.push_back(std::move(source));
  return table.finish();
}

Status read_data(const JsonValue* part, const std::string& base, Recipe& recipe) {
  RecipeTable table(part, "data");
  table.require("sources");
  DataOptions& data = recipe.data;
  data.seed = recipe.seed;
  data.sequence_tokens = table.integer("sequence_tokens", 2, int64_t{1} << 24, 512);
  data.validation_fraction = table.number("validation_fraction", 0.0, 0.999, 0.01);
  data.cache_directory = resolved(base, table.text("cache", ""));
  if (data.cache_directory.empty()) data.cache_directory = recipe.run_directory + "/tokens";
  recipe.sequences_per_step =
      table.integer("sequences_per_step", 1, kMaxSequences, recipe.sequences_per_step);
  recipe.sequences_per_pass =
      table.integer("sequences_per_pass", 1, kMaxSequences, std::min<int64_t>(8, recipe.sequences_per_step));
  recipe.sequences_per_pass = std::min(recipe.sequences_per_pass, recipe.sequences_per_step);
  const JsonValue* sources = table.part("sources");
  if (sources != nullptr && !sources->is_array())
    table.fail("sources", "an array of tables", sources->kind_name());
  FATHOM_RETURN_IF_ERROR(table.finish());
  for (const JsonValue& item : sources->items()) FATHOM_RETURN_IF_ERROR(read_source(item, base, data));
  return {};
}

Status read_stage(const JsonValue& item, int64_t least_from, Recipe& recipe) {
  RecipeTable table(&item, "stage");
  Piece<TrainingStage> stage;
  stage.from = table.integer("from", least_from, kMaxSteps, least_from);
  stage.value.attention =
      table.choice("attention", {"sparse", "dense"}, 0) == 0 ? CsaAttention::kSparse : CsaAttention::kDense;
  stage.value.trained =
      table.choice("trained", {"all", "indexer"}, 0) == 0 ? Trained::kAll : Trained::kIndexerOnly;
  stage.value.mtp = table.number("mtp", 0.0, 100.0, stage.value.mtp);
  stage.value.index = table.number("index", 0.0, 100.0, stage.value.index);
  recipe.stages.push_back(stage);
  return table.finish();
}

Status read_stages(const JsonValue* part, Recipe& recipe) {
  if (part == nullptr) {
    recipe.stages = {{1, {}}};
    return {};
  }
  if (!part->is_array() || part->items().empty()) {
    return Status(StatusCode::kInvalidArgument,
                  concat("recipe: stage: expected [[stage]] tables, found ", part->kind_name()));
  }
  for (const JsonValue& item : part->items()) {
    const int64_t least = recipe.stages.empty() ? 1 : recipe.stages.back().from + 1;
    FATHOM_RETURN_IF_ERROR(read_stage(item, least, recipe));
  }
  return {};
}

Status read_optimiser(const JsonValue* part, Recipe& recipe) {
  RecipeTable table(part, "optimiser");
  LearningRate& rate = recipe.learning_rate;
  rate.peak = table.number("learning_rate", 0.0, 10.0, 2e-3);
  rate.last = table.number("final_learning_rate", 0.0, 10.0, 0.1 * rate.peak);
  rate.warmup = table.integer("warmup_steps", 0, kMaxSteps, std::max<int64_t>(1, recipe.steps / 50));
  rate.decay_start = table.integer("decay_start", 0, kMaxSteps, recipe.steps * 7 / 10);
  rate.decay_end = table.integer("decay_end", 0, kMaxSteps, recipe.steps);
  if (rate.decay_end < rate.decay_start) {
    table.fail("decay_end", concat("at least decay_start (", rate.decay_start, ")"), concat(rate.decay_end));
  }
  recipe.clip_norm = table.number("clip_norm", 1e-9, 1e9, 1.0);
  recipe.router_bias_rate = table.number("router_bias_rate", 0.0, 1.0, recipe.router_bias_rate);
  MuonSettings& muon = recipe.optimiser.muon;
  muon.momentum = table.number("muon_momentum", 0.0, 0.9999, muon.momentum);
  muon.update_rms = table.number("muon_update_rms", 1e-6, 10.0, muon.update_rms);
  AdamWSettings& adamw = recipe.optimiser.adamw;
  adamw.beta1 = table.number("beta1", 1e-6, 0.999999, adamw.beta1);
  adamw.beta2 = table.number("beta2", 1e-6, 0.999999, adamw.beta2);
  adamw.epsilon = table.number("epsilon", 1e-30, 1.0, adamw.epsilon);
  adamw.decay = table.number("decay", 0.0, 10.0, adamw.decay);
  muon.decay = adamw.decay;
  return table.finish();
}

Status read_losses(const JsonValue* part, Recipe& recipe) {
  RecipeTable table(part, "losses");
  recipe.lm = table.number("lm", 0.0, 100.0, recipe.lm);
  recipe.balance = table.number("balance", 0.0, 100.0, recipe.balance);
  return table.finish();
}

Status read_quantisation(const JsonValue* part, Recipe& recipe) {
  RecipeTable table(part, "quantisation");
  recipe.quantised_weights.fp8 = table.flag("fp8", false);
  recipe.quantised_weights.fp4 = table.flag("fp4", false);
  recipe.rounding = table.flag("state", true) ? Rounding::kAsDeployed : Rounding::kNone;
  if (recipe.quantised_weights.fp4 && !recipe.quantised_weights.fp8) {
    table.fail("fp4", "fp8 = true beside it: no checkpoint has FP4 experts alone", "fp8 = false");
  }
  if (recipe.quantised_weights.fp8 && recipe.rounding == Rounding::kNone) {
    table.fail("state", "true with fp8", "false");
  }
  return table.finish();
}

// "table.key=value": `value` in TOML; a word that is none is a text.
Status apply_change(JsonValue& root, const std::string& change) {
  const size_t equals = change.find('=');
  const size_t dot = change.find('.');
  if (equals == std::string::npos || dot == std::string::npos || dot > equals || dot == 0 ||
      equals == dot + 1) {
    return Status(StatusCode::kInvalidArgument,
                  concat("--set: expected TABLE.KEY=VALUE, found \"", change, "\""));
  }
  const std::string table = change.substr(0, dot);
  const std::string key = change.substr(dot + 1, equals - dot - 1);
  const std::string value = change.substr(equals + 1);
  Result<JsonValue> parsed = read_toml("value = " + value);
  if (root.find(table) == nullptr) root.set(table, JsonValue::object());
  for (auto& [name, part] : root.members()) {
    if (name != table) continue;
    if (!part.is_object()) {
      return Status(StatusCode::kInvalidArgument, concat("--set: expected a table, found ", table));
    }
    part.set(key, parsed.ok() ? parsed->find("value")->clone() : JsonValue::string(value));
  }
  return {};
}

}  // namespace

Result<Recipe> parse_recipe(std::string_view text, const std::string& base_directory,
                            const std::vector<std::string>& changes) {
  FATHOM_ASSIGN_OR_RETURN(JsonValue root, read_toml(text));
  for (const std::string& change : changes) FATHOM_RETURN_IF_ERROR(apply_change(root, change));
  Recipe recipe;
  RecipeTable table(&root, "");
  FATHOM_RETURN_IF_ERROR(read_model(table.part("model"), base_directory, recipe));
  FATHOM_RETURN_IF_ERROR(read_run(table.part("run"), base_directory, recipe));
  FATHOM_RETURN_IF_ERROR(read_data(table.part("data"), base_directory, recipe));
  FATHOM_RETURN_IF_ERROR(read_losses(table.part("losses"), recipe));
  FATHOM_RETURN_IF_ERROR(read_stages(table.part("stage"), recipe));
  FATHOM_RETURN_IF_ERROR(read_optimiser(table.part("optimiser"), recipe));
  FATHOM_RETURN_IF_ERROR(read_quantisation(table.part("quantisation"), recipe));
  FATHOM_RETURN_IF_ERROR(table.finish());
  return recipe;
}

}  // namespace fathom
