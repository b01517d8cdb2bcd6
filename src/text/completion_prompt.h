// SPDX-License-Identifier: MIT
// Prompts without a conversation: plain completion and fill-in-the-middle (chat.md 8). Pure functions.
#pragma once

#include <string_view>

#include "text/chat_prompt.h"

namespace fathom {

// BOS, text.
Prompt completion_prompt(std::string_view text);

// BOS, <｜fim▁begin｜>, prefix, <｜fim▁hole｜>, suffix, <｜fim▁end｜>; the reply is the middle, up to EOS.
Prompt fill_in_the_middle_prompt(std::string_view prefix, std::string_view suffix);

}  // namespace fathom
