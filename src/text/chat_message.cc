// SPDX-License-Identifier: MIT
#include "text/chat_message.h"

#include "base/concat.h"
#include "text/chat_markers.h"

namespace fathom {
namespace {

struct RoleName {
  std::string_view name;
  Role role;
};

constexpr RoleName kRoleNames[] = {
    {"system", Role::kSystem}, {"developer", Role::kDeveloper},
    {"user", Role::kUser},     {"assistant", Role::kAssistant},
    {"tool", Role::kTool},     {"latest_reminder", Role::kLatestReminder},
};

Result<std::string> read_result_part(const JsonValue& part, const std::string& path) {
  if (!part.is_object()) return wrong_field(path, "an object", part);
  const JsonPlace place{part, path};
  FATHOM_ASSIGN_OR_RETURN(const std::string type, required_string(place, "type"));
  if (type == "text") return required_string(place, "text");
  return concat("[Unsupported ", type, ']');
}

Result<ToolCall> read_call(const JsonValue& value, const std::string& path) {
  if (!value.is_object()) return wrong_field(path, "an object", value);
  const JsonPlace place{value, path};
  ToolCall call;
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> id, optional_string(place, "id"));
  call.id = id.value_or("");
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* function,
                          required_member(place, "function", JsonValue::Kind::kObject));
  const JsonPlace inner{*function, place.path_of("function")};
  FATHOM_ASSIGN_OR_RETURN(call.name, required_string(inner, "name"));
  const JsonValue* arguments = function->find("arguments");
  if (arguments != nullptr && arguments->is_object()) {
    call.arguments = write_json(*arguments);
    return call;
  }
  FATHOM_ASSIGN_OR_RETURN(call.arguments, required_string(inner, "arguments"));
  return call;
}

Status read_calls(const JsonPlace& message, std::vector<ToolCall>& calls) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* list,
                          optional_member(message, "tool_calls", JsonValue::Kind::kArray));
  if (list == nullptr) return {};
  for (size_t i = 0; i < list->items().size(); ++i) {
    FATHOM_ASSIGN_OR_RETURN(ToolCall call,
                            read_call(list->items()[i], item_path(message.path_of("tool_calls"), i)));
    calls.push_back(std::move(call));
  }
  return {};
}

Status read_tools(const JsonPlace& message, std::vector<std::string>& tools) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* list, optional_member(message, "tools", JsonValue::Kind::kArray));
  if (list == nullptr) return {};
  for (size_t i = 0; i < list->items().size(); ++i) {
    const std::string path = item_path(message.path_of("tools"), i);
    const JsonValue& tool = list->items()[i];
    if (!tool.is_object()) return wrong_field(path, "an object", tool);
    FATHOM_ASSIGN_OR_RETURN(const JsonValue* function,
                            required_member({tool, path}, "function", JsonValue::Kind::kObject));
    tools.push_back(write_json(*function));
  }
  return {};
}

Status read_extras(const JsonPlace& place, ChatMessage& message) {
  FATHOM_RETURN_IF_ERROR(read_tools(place, message.tools));
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* format,
                          optional_member(place, "response_format", JsonValue::Kind::kObject));
  if (format != nullptr && !format->members().empty()) message.response_format = write_json(*format);
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> task, optional_string(place, "task"));
  message.task = task.value_or("");
  FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> without_eos, optional_bool(place, "wo_eos"));
  message.without_eos = without_eos.value_or(false);
  return {};
}

Result<ChatMessage> read_message(const JsonValue& value, const std::string& path) {
  if (!value.is_object()) return wrong_field(path, "an object", value);
  const JsonPlace place{value, path};
  ChatMessage message;
  FATHOM_ASSIGN_OR_RETURN(const std::string role, required_string(place, "role"));
  const std::optional<Role> known = role_from_name(role);
  if (!known) {
    return Status(StatusCode::kInvalidArgument,
                  concat(place.path_of("role"),
                         ": expected system, developer, user, assistant, tool or latest_reminder, found \"",
                         role, '"'));
  }
  message.role = *known;
  if (message.role == Role::kTool) {
    FATHOM_ASSIGN_OR_RETURN(message.content, read_tool_result(place, "content"));
    FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> id, optional_string(place, "tool_call_id"));
    message.tool_call_id = id.value_or("");
    return message;
  }
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> content, optional_string(place, "content"));
  message.content = content.value_or("");
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> reasoning,
                          optional_string(place, "reasoning_content"));
  message.reasoning = reasoning.value_or("");
  FATHOM_RETURN_IF_ERROR(read_calls(place, message.tool_calls));
  FATHOM_RETURN_IF_ERROR(read_extras(place, message));
  return message;
}

Status read_settings(const JsonPlace& top, Dialect dialect, Conversation& conversation) {
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> mode, optional_string(top, "thinking_mode"));
  if (mode) {
    const std::optional<ThinkingMode> known = thinking_mode_from_name(*mode);
    if (!known) {
      return Status(StatusCode::kInvalidArgument,
                    concat("thinking_mode: expected chat or thinking, found \"", *mode, '"'));
    }
    conversation.thinking_mode = *known;
  }
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> effort, optional_string(top, "reasoning_effort"));
  if (effort) {
    FATHOM_ASSIGN_OR_RETURN(conversation.effort, effort_from_name(*effort, dialect));
  }
  FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> drop, optional_bool(top, "drop_thinking"));
  conversation.drop_thinking = drop.value_or(true) ? DropThinking::kYes : DropThinking::kNo;
  return {};
}

}  // namespace

ChatMessage system_message(std::string text) {
  ChatMessage message;
  message.role = Role::kSystem;
  message.content = std::move(text);
  return message;
}

ChatMessage user_message(std::string text) {
  ChatMessage message;
  message.role = Role::kUser;
  message.content = std::move(text);
  return message;
}

ChatMessage assistant_message(std::string reasoning, std::string content) {
  ChatMessage message;
  message.role = Role::kAssistant;
  message.reasoning = std::move(reasoning);
  message.content = std::move(content);
  return message;
}

void set_think_level(Conversation& conversation, ThinkLevel level) noexcept {
  switch (level) {
    case ThinkLevel::kNone:
      conversation.thinking_mode = ThinkingMode::kChat;
      conversation.effort = Effort::kNone;
      return;
    case ThinkLevel::kHigh:
      conversation.thinking_mode = ThinkingMode::kThinking;
      conversation.effort = Effort::kHigh;
      return;
    case ThinkLevel::kMax:
      conversation.thinking_mode = ThinkingMode::kThinking;
      conversation.effort = Effort::kMax;
      return;
  }
}

std::optional<Role> role_from_name(std::string_view name) noexcept {
  for (const RoleName& entry : kRoleNames) {
    if (entry.name == name) return entry.role;
  }
  return std::nullopt;
}

Result<std::string> read_tool_result(const JsonPlace& message, std::string_view key) {
  const JsonValue* content = message.object.find(key);
  if (content == nullptr || content->is_null()) return std::string();
  if (content->is_string()) return content->as_string();
  const std::string path = message.path_of(key);
  if (!content->is_array()) return wrong_field(path, "a string or an array of parts", *content);
  std::string text;
  for (size_t i = 0; i < content->items().size(); ++i) {
    FATHOM_ASSIGN_OR_RETURN(const std::string part,
                            read_result_part(content->items()[i], item_path(path, i)));
    if (i > 0) text += "\n\n";
    text += part;
  }
  return text;
}

Result<Conversation> read_conversation(const JsonValue& object, Dialect dialect) {
  if (!object.is_object()) return wrong_field("conversation", "an object", object);
  const JsonPlace top{object, ""};
  Conversation conversation;
  FATHOM_RETURN_IF_ERROR(read_settings(top, dialect, conversation));
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* messages,
                          required_member(top, "messages", JsonValue::Kind::kArray));
  for (size_t i = 0; i < messages->items().size(); ++i) {
    FATHOM_ASSIGN_OR_RETURN(ChatMessage message,
                            read_message(messages->items()[i], item_path("messages", i)));
    conversation.messages.push_back(std::move(message));
  }
  return conversation;
}

}  // namespace fathom
