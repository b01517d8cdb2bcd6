// SPDX-License-Identifier: MIT
// The reference as a Producer of golden_model.h. It knows no chunks: a request's chunk is ignored.
#pragma once

#include "golden/checkpoint.h"
#include "golden/golden_model.h"

namespace fathom {

// Computes in T (float or double), hands out float.
template <typename T>
Producer reference_producer(const Checkpoint& checkpoint);

}  // namespace fathom
