// SPDX-License-Identifier: MIT
// GenerationDefaults: how a model wants to be sampled, from its generation_config.json (api.md 4). Keys
// that say nothing about sampling are ignored. Values; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/sampler.h"
#include "io/io_env.h"

namespace fathom {

struct GenerationDefaults {
  // "do_sample": false. The temperature below then counts only for who asks for sampling.
  bool greedy = false;
  SamplingParams sampling;
};

// The text of a generation_config.json. Absent and null keys keep their defaults; kCorrupt when it is no JSON
// object, kInvalidArgument naming the key of a wrong value.
Result<GenerationDefaults> parse_generation_config(std::string_view text);

// Those of a model (a directory or builtin:tiny-chat); without the file, the defaults.
Result<GenerationDefaults> open_generation_defaults(IoEnv& env, const std::string& name);

}  // namespace fathom
