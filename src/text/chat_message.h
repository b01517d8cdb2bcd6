// SPDX-License-Identifier: MIT
// Conversation: what the encoder renders (chat.md 2), and its JSON form ("encoder messages").
//
// Invariant: tools and response_format are held as the JSON text that the prompt shows (chat.md 3), so equal
// conversations render to equal bytes. Thread rule: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "io/json.h"
#include "text/chat_dialect.h"
#include "text/json_fields.h"

namespace fathom {

enum class Role : uint8_t { kSystem, kDeveloper, kUser, kAssistant, kTool, kLatestReminder };

// A call in the history; arguments are the text that was sent, valid JSON or not.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;
};

struct ChatMessage {
  Role role = Role::kUser;
  std::string content;
  std::string reasoning;             // assistant
  std::vector<ToolCall> tool_calls;  // assistant
  std::string tool_call_id;          // tool: the call it answers
  std::vector<std::string> tools;    // system, developer: JSON text of each tool's function object
  std::string response_format;       // system, developer: JSON text; empty for none
  std::string task;                  // a task word of chat.md 3; empty for none
  bool without_eos = false;          // assistant: a prefix that the reply continues
  // Assistant: the tokens that the model itself produced for this message, EOS included; where its reasoning
  // belongs into the prompt they are used instead of the texts (chat.md 9). Empty: not known.
  std::vector<int32_t> sampled_ids;
};

enum class DropThinking : uint8_t { kYes, kNo };
enum class Bos : uint8_t { kYes, kNo };

struct Conversation {
  std::vector<ChatMessage> messages;
  ThinkingMode thinking_mode = ThinkingMode::kThinking;
  Effort effort = Effort::kNone;
  DropThinking drop_thinking = DropThinking::kYes;  // earlier reasoning is left out unless there are tools
  Bos bos = Bos::kYes;
};

ChatMessage system_message(std::string text);
ChatMessage user_message(std::string text);
// An earlier reply.
ChatMessage assistant_message(std::string reasoning, std::string content);

// How a person at a terminal asks for thinking: not at all, with effort `high`, or with effort `max`.
enum class ThinkLevel : uint8_t { kNone, kHigh, kMax };
void set_think_level(Conversation& conversation, ThinkLevel level) noexcept;

// Nothing for a word that is no role.
std::optional<Role> role_from_name(std::string_view name) noexcept;

// A tool result's content: a string, null (empty), or a list whose text parts are joined by two line feeds
// and whose other parts read `[Unsupported TYPE]` (chat.md 3).
Result<std::string> read_tool_result(const JsonPlace& message, std::string_view key);

// Reads {"messages", "thinking_mode", "reasoning_effort", "drop_thinking"}. kInvalidArgument with the field's
// path.
Result<Conversation> read_conversation(const JsonValue& object, Dialect dialect);

}  // namespace fathom
