// SPDX-License-Identifier: MIT
// Calls in the history, as the model wrote them (chat.md 5). Pure function.
#pragma once

#include <vector>

#include "text/chat_message.h"
#include "text/chat_prompt.h"

namespace fathom {

// Appends the block of these calls; nothing when there are none. Arguments that are not a JSON object become
// one string parameter named `arguments`.
void add_calls(Prompt& prompt, const std::vector<ToolCall>& calls);

}  // namespace fathom
