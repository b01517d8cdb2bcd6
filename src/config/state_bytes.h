// SPDX-License-Identifier: MIT
// Bytes of sequence state in the deployed row formats (design.md 5): what a served sequence is planned and
// admitted with. Pure functions; any thread.
#pragma once

#include <cstdint>

#include "config/model_config.h"

namespace fathom {

// Undo rows of every ring: how far rejected drafts can be taken back.
inline constexpr int kDeployedUndoRows = 8;
// Compressed entries and index keys are kept in pages of this many rows.
inline constexpr int64_t kDeployedPageRows = 32;

// One attention entry or window row: nope channels in FP8, one scale byte per 64 of them padded to an even
// count, rope channels in BF16. 584 for V4.
int64_t deployed_entry_bytes(const ModelConfig& config) noexcept;
// One index key: FP4 pairs and one scale byte per full 32 channels. 68 for V4.
int64_t deployed_index_key_bytes(const ModelConfig& config) noexcept;
// All state of one sequence of `tokens` tokens, 0 <= tokens <= 2^30.
int64_t deployed_state_bytes(const ModelConfig& config, int64_t tokens) noexcept;

}  // namespace fathom
