// SPDX-License-Identifier: MIT
// What the numbers of a config must be to each other (architecture.md 1; reliability.md F-3). Pure functions;
// any thread.
#pragma once

#include "base/status.h"
#include "config/model_config.h"

namespace fathom {

// kCorrupt, naming the key, for a set of values that contradict each other or whose products pass the caps
// below.
Status check_config_rules(const ModelConfig& config);

// Products of two dimensions (H c, o_groups * o_lora_rank, n D ...) stay below this, so they fit an int with
// room.
inline constexpr int64_t kMaxConfigProduct = int64_t{1} << 29;
// Number of parameters and bytes of any part of a model stay far from 2^63.
inline constexpr double kMaxConfigParameters = 0x1p56;

// Parameters of the main model, roughly (within 2x), for the cap; never overflows.
double estimate_parameters(const ModelConfig& config) noexcept;

}  // namespace fathom
