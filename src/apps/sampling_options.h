// SPDX-License-Identifier: MIT
// SamplingOptions of a command line, filled up from the model's own defaults.
#pragma once

#include <string>

#include "apps/commands.h"
#include "engine/sampler.h"

namespace fathom {

// What the user gave, else the model's generation_config.json, else fathom's defaults; the seed, when none is
// given, is drawn from the system. Validated.
Result<SamplingParams> sampling_params(const std::string& model, const SamplingOptions& options);

}  // namespace fathom
