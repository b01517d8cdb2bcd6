// SPDX-License-Identifier: MIT
#include "apps/chat_file.h"

#include "base/concat.h"
#include "io/atomic_file.h"
#include "io/directory.h"
#include "io/json.h"
#include "io/read_file.h"
#include "text/json_fields.h"

namespace fathom {
namespace {

constexpr int64_t kMaxFileBytes = 32 << 20;  // as a request's body, and as many messages (reliability.md 3)
constexpr size_t kMaxMessages = 4096;

std::string_view chat_role_name(Role role) noexcept {
  if (role == Role::kSystem) return "system";
  return role == Role::kUser ? "user" : "assistant";
}

Status check_message(const ChatMessage& message, const std::string& path, size_t index) {
  const bool known =
      message.role == Role::kSystem || message.role == Role::kUser || message.role == Role::kAssistant;
  if (!known) {
    return Status(StatusCode::kInvalidArgument,
                  concat(path, ".role: expected system, user or assistant, found another role"));
  }
  if (message.role == Role::kSystem && index > 0) {
    return Status(StatusCode::kInvalidArgument,
                  concat(path, ".role: expected the system text as the first message, found it here"));
  }
  const bool plain = message.tools.empty() && message.tool_calls.empty() && message.task.empty() &&
                     message.response_format.empty() && !message.without_eos;
  if (plain) return Status();
  return Status(
      StatusCode::kInvalidArgument,
      concat(path, ": expected text only, found tools, tool_calls, task, response_format or wo_eos"));
}

Status check_conversation(const Conversation& conversation) {
  const auto& messages = conversation.messages;
  if (messages.size() > kMaxMessages) {
    return Status(StatusCode::kInvalidArgument,
                  concat("messages: expected at most ", kMaxMessages, ", found ", messages.size()));
  }
  for (size_t i = 0; i < messages.size(); ++i) {
    FATHOM_RETURN_IF_ERROR(check_message(messages[i], item_path("messages", i), i));
  }
  return Status();
}

}  // namespace

std::string conversation_text(const Conversation& conversation) {
  JsonValue messages = JsonValue::array();
  for (const ChatMessage& message : conversation.messages) {
    JsonValue entry = JsonValue::object();
    entry.set("role", JsonValue::string(std::string(chat_role_name(message.role))));
    entry.set("content", JsonValue::string(message.content));
    if (!message.reasoning.empty()) entry.set("reasoning_content", JsonValue::string(message.reasoning));
    messages.items().push_back(std::move(entry));
  }
  JsonValue object = JsonValue::object();
  object.set("messages", std::move(messages));
  object.set("thinking_mode", JsonValue::string(std::string(thinking_mode_name(conversation.thinking_mode))));
  if (conversation.effort != Effort::kNone) {
    object.set("reasoning_effort", JsonValue::string(std::string(effort_name(conversation.effort))));
  }
  return write_json(object) + "\n";
}

Result<Conversation> parse_conversation(std::string_view text, Dialect dialect) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue object, read_json(text));
  FATHOM_ASSIGN_OR_RETURN(Conversation conversation, read_conversation(object, dialect));
  FATHOM_RETURN_IF_ERROR(check_conversation(conversation));
  return conversation;
}

Status save_conversation(IoEnv& env, const std::string& path, const Conversation& conversation) {
  return write_file_atomically(env, path, conversation_text(conversation));
}

Result<Conversation> load_conversation(IoEnv& env, const std::string& path, Dialect dialect) {
  FATHOM_ASSIGN_OR_RETURN(const File file, open_path(env, path));
  FATHOM_ASSIGN_OR_RETURN(const std::string text, read_file(file, path, kMaxFileBytes));
  auto conversation = parse_conversation(text, dialect);
  if (!conversation.ok()) return conversation.status().in(path);
  return conversation;
}

}  // namespace fathom
