// SPDX-License-Identifier: MIT
// Slash commands of a conversation: /help, /think, /system, /save, /load, /reset, /quit. Main thread only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apps/chat_session.h"

namespace fathom {

struct SlashReply {
  enum class Next : uint8_t { kGoOn, kLeave };
  std::string text;  // for the user
  Next next = Next::kGoOn;
};

// A line that begins with one slash is a command, with two it is a message.
bool is_slash_command(std::string_view line) noexcept;

// Runs it. An error leaves the conversation as it was.
Result<SlashReply> run_slash_command(std::string_view line, ChatSession& session);

// "none", "high", "max", and the reverse; nothing for another word.
std::string_view think_level_name(ThinkLevel level) noexcept;
std::optional<ThinkLevel> think_level_from_name(std::string_view name) noexcept;

}  // namespace fathom
