// SPDX-License-Identifier: MIT
// The product's forward as a Producer of golden_model.h, through engine/score.h: whole or in chunks.
#pragma once

#include "golden/checkpoint.h"
#include "golden/golden_model.h"

namespace fathom {

// `checkpoint` must outlive the result. Uses the process's kernel table.
Producer product_producer(const Checkpoint& checkpoint, int threads);

}  // namespace fathom
