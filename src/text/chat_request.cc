// SPDX-License-Identifier: MIT
// /v1/chat/completions.
#include "text/chat_request.h"

#include "base/concat.h"
#include "text/request_rules.h"

namespace fathom {
namespace {

using Kind = JsonValue::Kind;

// The text parts of a content list; a part of another kind is refused.
Result<std::vector<std::string>> read_text_parts(const JsonValue& list, const std::string& path) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < list.items().size(); ++i) {
    const JsonValue& part = list.items()[i];
    const std::string part_path = item_path(path, i);
    if (!part.is_object()) return wrong_field(part_path, "an object", part);
    const JsonPlace place{part, part_path};
    FATHOM_ASSIGN_OR_RETURN(const std::string type, required_string(place, "type"));
    if (type != "text") {
      return Status(StatusCode::kUnsupported,
                    concat(place.path_of("type"), ": expected text, found \"", type, '"'));
    }
    FATHOM_ASSIGN_OR_RETURN(std::string text, required_string(place, "text"));
    texts.push_back(std::move(text));
  }
  return texts;
}

// Content as a list of texts: one for a string, none for null.
Result<std::vector<std::string>> read_content(const JsonPlace& message) {
  const JsonValue* content = message.object.find("content");
  if (content == nullptr || content->is_null()) return std::vector<std::string>();
  if (content->is_string()) return std::vector<std::string>{content->as_string()};
  if (content->is_array()) return read_text_parts(*content, message.path_of("content"));
  return wrong_field(message.path_of("content"), "a string or an array of parts", *content);
}

Result<ToolCall> read_call(const JsonValue& value, const std::string& path) {
  if (!value.is_object()) return wrong_field(path, "an object", value);
  const JsonPlace place{value, path};
  ToolCall call;
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> id, optional_string(place, "id"));
  call.id = id.value_or("");
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* function, required_member(place, "function", Kind::kObject));
  const JsonPlace inner{*function, place.path_of("function")};
  FATHOM_ASSIGN_OR_RETURN(call.name, required_string(inner, "name"));
  const JsonValue* arguments = function->find("arguments");
  if (arguments != nullptr && arguments->is_object()) {
    call.arguments = write_json(*arguments);
    return call;
  }
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> text, optional_string(inner, "arguments"));
  call.arguments = arguments_or_empty_object(text.value_or(""));
  return call;
}

Status read_assistant(const JsonPlace& place, ChatMessage& message) {
  FATHOM_ASSIGN_OR_RETURN(const std::vector<std::string> texts, read_content(place));
  for (const std::string& text : texts) message.content += text;
  FATHOM_ASSIGN_OR_RETURN(std::optional<std::string> reasoning, optional_string(place, "reasoning_content"));
  if (!reasoning) {
    FATHOM_ASSIGN_OR_RETURN(reasoning, optional_string(place, "reasoning"));
  }
  message.reasoning = reasoning.value_or("");
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* calls, optional_member(place, "tool_calls", Kind::kArray));
  for (size_t i = 0; calls != nullptr && i < calls->items().size(); ++i) {
    FATHOM_ASSIGN_OR_RETURN(ToolCall call,
                            read_call(calls->items()[i], item_path(place.path_of("tool_calls"), i)));
    message.tool_calls.push_back(std::move(call));
  }
  return {};
}

// A user message of several text parts is as many messages; the encoder merges them into one turn.
Status add_user(const JsonPlace& place, std::vector<ChatMessage>& messages) {
  FATHOM_ASSIGN_OR_RETURN(std::vector<std::string> texts, read_content(place));
  if (texts.empty()) texts.emplace_back();
  for (std::string& text : texts) messages.push_back(user_message(std::move(text)));
  return {};
}

Status read_other(const JsonPlace& place, ChatMessage& message) {
  if (message.role == Role::kAssistant) return read_assistant(place, message);
  if (message.role == Role::kTool) {
    FATHOM_ASSIGN_OR_RETURN(message.content, read_tool_result(place, "content"));
    FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> id, optional_string(place, "tool_call_id"));
    message.tool_call_id = id.value_or("");
    return {};
  }
  FATHOM_ASSIGN_OR_RETURN(const std::vector<std::string> texts, read_content(place));
  for (size_t i = 0; i < texts.size(); ++i) message.content.append(i > 0 ? "\n\n" : "").append(texts[i]);
  return {};
}

Status add_message(const JsonValue& value, const std::string& path, std::vector<ChatMessage>& messages) {
  if (!value.is_object()) return wrong_field(path, "an object", value);
  const JsonPlace place{value, path};
  FATHOM_ASSIGN_OR_RETURN(const std::string name, required_string(place, "role"));
  const std::optional<Role> role = name == "function" ? Role::kTool : role_from_name(name);
  if (!role) {
    return refused(concat(place.path_of("role"),
                          ": expected system, developer, user, assistant, tool or latest_reminder, found \"",
                          name, '"'));
  }
  FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> prefix, optional_bool(place, "prefix"));
  if (prefix.value_or(false) && *role != Role::kAssistant) {
    return refused(concat(place.path_of("prefix"), ": expected on an assistant message, found on ", name));
  }
  if (*role == Role::kUser) return add_user(place, messages);
  ChatMessage message;
  message.role = *role;
  message.without_eos = prefix.value_or(false);
  FATHOM_RETURN_IF_ERROR(read_other(place, message));
  messages.push_back(std::move(message));
  return {};
}

Status read_messages(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* list, required_member(body, "messages", Kind::kArray));
  if (list->items().size() > kMaxMessages) {
    return refused(concat("messages: expected at most ", kMaxMessages, ", found ", list->items().size()));
  }
  for (size_t i = 0; i < list->items().size(); ++i) {
    FATHOM_RETURN_IF_ERROR(add_message(list->items()[i], item_path("messages", i), parts.messages));
  }
  return {};
}

Status read_tools(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* functions, optional_member(body, "functions", Kind::kArray));
  if (functions != nullptr && !functions->items().empty())
    return refused("functions: expected none, found some: use tools");
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* list, optional_member(body, "tools", Kind::kArray));
  for (size_t i = 0; list != nullptr && i < list->items().size(); ++i) {
    const JsonValue& tool = list->items()[i];
    const std::string path = item_path("tools", i);
    if (!tool.is_object()) return wrong_field(path, "an object", tool);
    const JsonPlace place{tool, path};
    FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> type, optional_string(place, "type"));
    if (type.value_or("function") != "function") continue;  // a tool of a service that is not here
    FATHOM_ASSIGN_OR_RETURN(const JsonValue* function, required_member(place, "function", Kind::kObject));
    const JsonPlace inner{*function, place.path_of("function")};
    FATHOM_ASSIGN_OR_RETURN(const std::string name, required_string(inner, "name"));
    FATHOM_RETURN_IF_ERROR(add_tool(parts, name, *function, inner.path_of("name")));
  }
  return {};
}

// A word, or {"type": "function", "function": {"name": N}}.
Status read_tool_choice(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> parallel, optional_bool(body, "parallel_tool_calls"));
  if (!parallel.value_or(true)) parts.call_count = ConstraintSpec::CallCount::kOne;
  const JsonValue* choice = body.object.find("tool_choice");
  if (choice == nullptr || choice->is_null()) return {};
  const std::string path = body.path_of("tool_choice");
  if (choice->is_string()) return choose_tool_word(choice->as_string(), path, parts);
  if (!choice->is_object()) return wrong_field(path, "a string or an object", *choice);
  const JsonPlace place{*choice, path};
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* function, required_member(place, "function", Kind::kObject));
  return choose_named_tool({*function, place.path_of("function")}, parts);
}

Status read_response_format(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* format, optional_member(body, "response_format", Kind::kObject));
  if (format == nullptr) return {};
  const JsonPlace place{*format, body.path_of("response_format")};
  FATHOM_ASSIGN_OR_RETURN(const std::string type, required_string(place, "type"));
  if (type == "text") return {};
  if (type != "json_object" && type != "json_schema") {
    return refused(
        concat(place.path_of("type"), ": expected text, json_object or json_schema, found \"", type, '"'));
  }
  if (type == "json_object") require_json(parts, nullptr, ConstraintSpec::Keywords::kIgnoreUnsupported);
  if (type == "json_schema") {
    FATHOM_ASSIGN_OR_RETURN(const JsonValue* wrapped, required_member(place, "json_schema", Kind::kObject));
    const JsonPlace inner{*wrapped, place.path_of("json_schema")};
    FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> strict, optional_bool(inner, "strict"));
    require_json(parts, wrapped->find("schema"), keywords_of(strict));
  }
  parts.response_format = write_json(*format);
  return {};
}

// chat.md 7.1, 7.2 and 7.9. What a request says itself goes before its chat_template_kwargs.
Status read_thinking_settings(const JsonPlace& body, const RequestDefaults& defaults, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(std::optional<ThinkingMode> mode, read_thinking(body));
  FATHOM_ASSIGN_OR_RETURN(std::optional<std::string> effort, optional_string(body, "reasoning_effort"));
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* kwargs,
                          optional_member(body, "chat_template_kwargs", Kind::kObject));
  if (kwargs != nullptr) {
    const JsonPlace place{*kwargs, body.path_of("chat_template_kwargs")};
    for (const std::string_view key : {"thinking", "enable_thinking"}) {
      FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> thinking, optional_bool(place, key));
      if (thinking && !mode) mode = *thinking ? ThinkingMode::kThinking : ThinkingMode::kChat;
    }
    FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> word,
                            optional_string(place, "reasoning_effort"));
    if (!effort) effort = word;
    FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> drop, optional_bool(place, "drop_thinking"));
    parts.drop_thinking = drop.value_or(true) ? DropThinking::kYes : DropThinking::kNo;
  }
  if (!mode && effort) mode = *effort == "none" ? ThinkingMode::kChat : ThinkingMode::kThinking;
  parts.thinking_mode = mode.value_or(defaults.thinking_mode);
  FATHOM_ASSIGN_OR_RETURN(parts.effort, choose_effort(effort, parts.thinking_mode, defaults));
  return {};
}

}  // namespace

Result<ChatRequest> read_chat_request(const JsonValue& body, const RequestDefaults& defaults) {
  if (!body.is_object()) return wrong_field("request", "an object", body);
  FATHOM_RETURN_IF_ERROR(check_finite_numbers(body));
  const JsonPlace place{body, ""};
  RequestParts parts;
  FATHOM_RETURN_IF_ERROR(read_thinking_settings(place, defaults, parts));
  FATHOM_RETURN_IF_ERROR(read_messages(place, parts));
  FATHOM_RETURN_IF_ERROR(read_tools(place, parts));
  FATHOM_RETURN_IF_ERROR(read_tool_choice(place, parts));
  FATHOM_RETURN_IF_ERROR(read_response_format(place, parts));
  return finish_request(std::move(parts));
}

}  // namespace fathom
