// SPDX-License-Identifier: MIT
// Recipe: everything that decides a training run, read from TOML and validated field by field (training.md 5,
// 7, 9, 10; docs/training.md has the table of keys).
//
// Invariant: a Recipe that came from parse_recipe has every number in its range; what depends on the model or
// the data is checked where those are opened. A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "io/json.h"
#include "train/gradient_pass.h"
#include "train/optimiser.h"
#include "train/parameter_set.h"
#include "train/schedule.h"
#include "train/training_data.h"

namespace fathom {

// What holds from a step on, until the next stage (training.md 9).
struct TrainingStage {
  CsaAttention attention = CsaAttention::kSparse;
  Trained trained = Trained::kAll;
  double mtp = 0.3;
  double index = 1e-2;
};

struct Recipe {
  std::string config_file;
  std::string tokenizer_file;
  std::string initial_model;  // directory whose weights the run begins with; empty: drawn anew

  std::string run_directory;
  int64_t steps = 0;
  uint64_t seed = 1;
  int64_t checkpoint_every = 200;
  int64_t validate_every = 100;
  int64_t validation_sequences = 16;

  DataOptions data;                // cache_directory: run_directory/tokens unless given
  int64_t sequences_per_step = 8;  // a step's batch
  int64_t sequences_per_pass = 8;  // a micro-batch

  double lm = 1.0;
  double balance = 1e-4;
  std::vector<Piece<TrainingStage>> stages;

  OptimiserSettings optimiser;
  LearningRate learning_rate;
  double clip_norm = 1.0;
  double router_bias_rate = 1e-3;

  QuantisationAware quantised_weights;
  Rounding rounding = Rounding::kAsDeployed;  // key-values, entries, indexer; what enters quantised weights
};

// `base_directory`: what relative paths of the recipe start from. `changes`: "table.key=value" in TOML, each
// replacing or adding one value. kInvalidArgument naming the key, what was expected and what was found.
Result<Recipe> parse_recipe(std::string_view text, const std::string& base_directory,
                            const std::vector<std::string>& changes);

}  // namespace fathom
