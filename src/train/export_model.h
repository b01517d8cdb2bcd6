// SPDX-License-Identifier: MIT
// Writes a model in training as a model directory in the released layout (training.md 7, 12; architecture.md
// 9, 10): config.json, model.safetensors and the tokenizer, which `fathom chat`, `generate` and `serve` open.
//
// Weights that were trained quantised are written as the codes and scales of their shadows, all others as
// F32, so the exported model computes what the trainer's evaluation did. Trainer thread.
#pragma once

#include <string>

#include "base/status.h"
#include "io/io_env.h"
#include "train/parameter_set.h"

namespace fathom {

struct ExportSource {
  std::string config_text;     // the run's config.json; its quantisation keys are replaced
  std::string tokenizer_text;  // tokenizer.json
  QuantisationAware formats;
};

// `directory` is made where it is missing; files in it are replaced one by one.
Status export_model(IoEnv& env, const std::string& directory, const ExportSource& source,
                    const ParameterSet& set);

}  // namespace fathom
