// SPDX-License-Identifier: MIT
// A saved conversation: the JSON of one line of `fathom template` (messages, thinking_mode,
// reasoning_effort), so other commands read it too. Pure functions over an IoEnv.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "io/io_env.h"
#include "text/chat_message.h"

namespace fathom {

// One line of JSON. Requires messages of plain text: system, user, assistant.
std::string conversation_text(const Conversation& conversation);

// The reverse. kCorrupt when it is no JSON, kInvalidArgument naming the field of what a chat cannot go on
// with: tools and their calls, other roles, a system text that is not the first message.
Result<Conversation> parse_conversation(std::string_view text, Dialect dialect);

// Files replace what was there only when they are wholly written.
Status save_conversation(IoEnv& env, const std::string& path, const Conversation& conversation);
Result<Conversation> load_conversation(IoEnv& env, const std::string& path, Dialect dialect);

}  // namespace fathom
