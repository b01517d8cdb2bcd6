// SPDX-License-Identifier: MIT
// Checkpoints of a run: directory step-N with weights.safetensors, optimizer.safetensors, state.json and
// manifest.json, which has size and SHA-256 of the others (training.md 12; design.md 19; reliability.md T-1).
//
// A checkpoint is written under another name, synced, and renamed, so one that exists is whole; one that
// fails its manifest is passed over. Trainer thread.
#pragma once

#include <string>

#include "base/status.h"
#include "io/io_env.h"
#include "io/json.h"
#include "train/optimiser.h"
#include "train/parameter_set.h"

namespace fathom {

// Where a run stands; everything else follows from the recipe.
struct RunState {
  int64_t step = 0;     // steps done
  int64_t updates = 0;  // of the optimiser: steps less those skipped
  int64_t skipped = 0;
  std::string data_digest;  // of TrainingData
};

// Writes `directory`/step-N. kIo or kResourceExhausted when the system refuses; older checkpoints are
// untouched.
Status write_checkpoint(IoEnv& env, const std::string& directory, const RunState& state,
                        const ParameterSet& set, const Optimiser& optimiser);

// Reads the newest checkpoint that keeps its manifest into the set and the optimiser. kNotFound when there is
// none, kCorrupt naming file and tensor when it does not fit the model.
Result<RunState> read_newest_checkpoint(IoEnv& env, const std::string& directory, ParameterSet& set,
                                        Optimiser& optimiser);

}  // namespace fathom
