// SPDX-License-Identifier: MIT
// The tables of hash layers (training.md 6): which experts a token id goes to, made once before training and
// balanced by frequency.
#pragma once

#include <cstdint>
#include <span>

#include "base/view.h"

namespace fathom {

// counts [vocab]: how often each id occurs in a sample, 1 added to each; ids by falling count (equal: the
// lower id first) get the experts with the least load so far (equal: the lower expert), which then bear the
// id's count. table [vocab, k], ids in a row distinct. Requires k <= experts.
void fill_expert_table(std::span<const int64_t> counts, int experts, MatView<int32_t> table);

}  // namespace fathom
