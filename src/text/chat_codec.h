// SPDX-License-Identifier: MIT
// The encoder: a conversation becomes the prompt that the model was trained on (chat.md 2 to 5). Pure
// function.
#pragma once

#include "base/status.h"
#include "text/chat_dialect.h"
#include "text/chat_message.h"
#include "text/chat_prompt.h"

namespace fathom {

// kInvalidArgument for an empty developer message, an unknown task word, or an effort that the dialect has
// not.
Result<Prompt> encode_conversation(const Conversation& conversation, Dialect dialect);

}  // namespace fathom
