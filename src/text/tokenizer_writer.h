// SPDX-License-Identifier: MIT
// tokenizer.json for a trained vocabulary (chat.md 1): DeepSeek's splits, byte-level BPE, and the added
// tokens of the V4 chat format. Both fathom and the Python package `tokenizers` read it. Pure function.
#pragma once

#include <string>

#include "text/bpe_trainer.h"

namespace fathom {

// Added tokens in front of the base vocabulary: begin and end of sentence, padding. Their ids are 0, 1, 2.
inline constexpr int32_t kLeadingAddedTokens = 3;

// Added tokens in all; those of the chat format come after the base vocabulary.
int32_t added_token_count() noexcept;

// Requires a vocabulary trained with first_id = kLeadingAddedTokens.
std::string write_tokenizer_json(const TrainedBpe& bpe);

}  // namespace fathom
