// SPDX-License-Identifier: MIT
// Initial values of a model (training.md 8). Seeded per tensor name, so that another tensor changes no other.
#pragma once

#include <cstdint>

#include "train/parameter_set.h"

namespace fathom {

// Fills masters and refreshes shadows; expert tables are hash_table.h's.
void initialise(const ModelConfig& config, uint64_t seed, ParameterSet& set) noexcept;

}  // namespace fathom
