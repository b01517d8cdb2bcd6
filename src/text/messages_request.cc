// SPDX-License-Identifier: MIT
// /v1/messages, brought to the shape of /v1/chat/completions (api.md 7).
#include "base/concat.h"
#include "text/chat_request.h"
#include "text/request_rules.h"

namespace fathom {
namespace {

using Kind = JsonValue::Kind;

// One block of a content list, its place and its type.
struct Block {
  JsonPlace place;
  std::string type;
};

Result<Block> read_block(const JsonValue& value, std::string path) {
  if (!value.is_object()) return wrong_field(path, "an object", value);
  JsonPlace place{value, std::move(path)};
  FATHOM_ASSIGN_OR_RETURN(std::string type, required_string(place, "type"));
  return Block{std::move(place), std::move(type)};
}

Status unsupported_block(const Block& block) {
  return Status(StatusCode::kUnsupported,
                concat(block.place.path_of("type"), ": expected a block that has a meaning here, found \"",
                       block.type, '"'));
}

// A string or text blocks, joined by two line feeds; empty when absent.
Result<std::string> read_instruction(const JsonPlace& place, std::string_view key) {
  const JsonValue* value = place.object.find(key);
  if (value == nullptr || value->is_null()) return std::string();
  if (value->is_string()) return value->as_string();
  const std::string path = place.path_of(key);
  if (!value->is_array()) return wrong_field(path, "a string or an array of blocks", *value);
  std::string text;
  for (size_t i = 0; i < value->items().size(); ++i) {
    FATHOM_ASSIGN_OR_RETURN(const Block block, read_block(value->items()[i], item_path(path, i)));
    if (block.type != "text") return unsupported_block(block);
    FATHOM_ASSIGN_OR_RETURN(const std::string part, required_string(block.place, "text"));
    text.append(i > 0 ? "\n\n" : "").append(part);
  }
  return text;
}

Status add_user_block(const Block& block, std::vector<ChatMessage>& messages) {
  if (block.type == "text") {
    FATHOM_ASSIGN_OR_RETURN(std::string text, required_string(block.place, "text"));
    messages.push_back(user_message(std::move(text)));
    return {};
  }
  if (block.type != "tool_result") return unsupported_block(block);
  ChatMessage result;
  result.role = Role::kTool;
  FATHOM_ASSIGN_OR_RETURN(result.content, read_tool_result(block.place, "content"));
  FATHOM_ASSIGN_OR_RETURN(result.tool_call_id, required_string(block.place, "tool_use_id"));
  messages.push_back(std::move(result));
  return {};
}

Status add_assistant_block(const Block& block, ChatMessage& message) {
  if (block.type == "text") {
    FATHOM_ASSIGN_OR_RETURN(const std::string text, required_string(block.place, "text"));
    message.content += text;
    return {};
  }
  if (block.type == "thinking") {
    FATHOM_ASSIGN_OR_RETURN(const std::string text, required_string(block.place, "thinking"));
    message.reasoning += text;
    return {};
  }
  if (block.type == "redacted_thinking") return {};
  if (block.type != "tool_use") return unsupported_block(block);
  ToolCall call;
  FATHOM_ASSIGN_OR_RETURN(call.id, required_string(block.place, "id"));
  FATHOM_ASSIGN_OR_RETURN(call.name, required_string(block.place, "name"));
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* input, optional_member(block.place, "input", Kind::kObject));
  call.arguments = input == nullptr ? std::string("{}") : write_json(*input);
  message.tool_calls.push_back(std::move(call));
  return {};
}

Status add_user(const JsonPlace& place, std::vector<ChatMessage>& messages) {
  const JsonValue* content = place.object.find("content");
  if (content != nullptr && content->is_array() && !content->items().empty()) {
    for (size_t i = 0; i < content->items().size(); ++i) {
      FATHOM_ASSIGN_OR_RETURN(const Block block,
                              read_block(content->items()[i], item_path(place.path_of("content"), i)));
      FATHOM_RETURN_IF_ERROR(add_user_block(block, messages));
    }
    return {};
  }
  FATHOM_ASSIGN_OR_RETURN(std::string text, read_instruction(place, "content"));
  messages.push_back(user_message(std::move(text)));
  return {};
}

Status add_assistant(const JsonPlace& place, std::vector<ChatMessage>& messages) {
  ChatMessage message = assistant_message({}, {});
  const JsonValue* content = place.object.find("content");
  if (content != nullptr && content->is_array()) {
    for (size_t i = 0; i < content->items().size(); ++i) {
      FATHOM_ASSIGN_OR_RETURN(const Block block,
                              read_block(content->items()[i], item_path(place.path_of("content"), i)));
      FATHOM_RETURN_IF_ERROR(add_assistant_block(block, message));
    }
  } else {
    FATHOM_ASSIGN_OR_RETURN(message.content, read_instruction(place, "content"));
  }
  messages.push_back(std::move(message));
  return {};
}

Status add_message(const JsonValue& value, const std::string& path, std::vector<ChatMessage>& messages) {
  if (!value.is_object()) return wrong_field(path, "an object", value);
  const JsonPlace place{value, path};
  FATHOM_ASSIGN_OR_RETURN(const std::string role, required_string(place, "role"));
  if (role == "user") return add_user(place, messages);
  if (role == "assistant") return add_assistant(place, messages);
  if (role != "system") {
    return refused(
        concat(place.path_of("role"), ": expected user, assistant or system, found \"", role, '"'));
  }
  FATHOM_ASSIGN_OR_RETURN(std::string text, read_instruction(place, "content"));
  messages.push_back(system_message(std::move(text)));
  return {};
}

Status read_messages(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* list, required_member(body, "messages", Kind::kArray));
  if (list->items().empty()) return refused("messages: expected at least one message, found none");
  if (list->items().size() > kMaxMessages) {
    return refused(concat("messages: expected at most ", kMaxMessages, ", found ", list->items().size()));
  }
  const JsonValue* system = body.object.find("system");
  if (system != nullptr && !system->is_null()) {
    FATHOM_ASSIGN_OR_RETURN(std::string text, read_instruction(body, "system"));
    parts.messages.push_back(system_message(std::move(text)));
  }
  for (size_t i = 0; i < list->items().size(); ++i) {
    FATHOM_RETURN_IF_ERROR(add_message(list->items()[i], item_path("messages", i), parts.messages));
  }
  // A last assistant message is continued.
  if (parts.messages.back().role == Role::kAssistant) parts.messages.back().without_eos = true;
  return {};
}

Status read_tools(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* list, optional_member(body, "tools", Kind::kArray));
  for (size_t i = 0; list != nullptr && i < list->items().size(); ++i) {
    const JsonValue& tool = list->items()[i];
    const std::string path = item_path("tools", i);
    if (!tool.is_object()) return wrong_field(path, "an object", tool);
    const JsonPlace place{tool, path};
    FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> type, optional_string(place, "type"));
    if (type.value_or("custom") != "custom") continue;  // a tool of a service that is not here
    FATHOM_ASSIGN_OR_RETURN(const std::string name, required_string(place, "name"));
    FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> description,
                            optional_string(place, "description"));
    FATHOM_ASSIGN_OR_RETURN(const JsonValue* schema, required_member(place, "input_schema", Kind::kObject));
    JsonValue function = JsonValue::object();
    function.set("name", JsonValue::string(name));
    if (description) function.set("description", JsonValue::string(*description));
    function.set("parameters", schema->clone());
    FATHOM_RETURN_IF_ERROR(add_tool(parts, name, function, place.path_of("name")));
  }
  return {};
}

Status read_tool_choice(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* choice, optional_member(body, "tool_choice", Kind::kObject));
  if (choice == nullptr) return {};
  const JsonPlace place{*choice, body.path_of("tool_choice")};
  FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> alone, optional_bool(place, "disable_parallel_tool_use"));
  if (alone.value_or(false)) parts.call_count = ConstraintSpec::CallCount::kOne;
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* member, required_member(place, "type", Kind::kString));
  const std::string_view type = member->as_string();
  if (type == "none" || type == "auto") return choose_tool_word(type, "tool_choice", parts);
  if (type != "any" && type != "tool") {
    return refused(concat(place.path_of("type"), ": expected auto, any, tool or none, found \"", type, '"'));
  }
  FATHOM_RETURN_IF_ERROR(choose_tool_word("required", "tool_choice", parts));
  return type == "tool" ? choose_named_tool(place, parts) : Status();
}

Status read_output_config(const JsonPlace& body, const RequestDefaults& defaults, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const std::optional<ThinkingMode> mode, read_thinking(body));
  parts.thinking_mode = mode.value_or(ThinkingMode::kChat);
  std::optional<std::string> effort;
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* config, optional_member(body, "output_config", Kind::kObject));
  if (config != nullptr) {
    const JsonPlace place{*config, body.path_of("output_config")};
    FATHOM_ASSIGN_OR_RETURN(effort, optional_string(place, "effort"));
    FATHOM_ASSIGN_OR_RETURN(const JsonValue* format, optional_member(place, "format", Kind::kObject));
    if (format != nullptr) {
      const JsonPlace inner{*format, place.path_of("format")};
      FATHOM_ASSIGN_OR_RETURN(const std::string type, required_string(inner, "type"));
      if (type != "json_schema") {
        return refused(concat(inner.path_of("type"), ": expected json_schema, found \"", type, '"'));
      }
      FATHOM_ASSIGN_OR_RETURN(const JsonValue* schema, required_member(inner, "schema", Kind::kObject));
      require_json(parts, schema, ConstraintSpec::Keywords::kIgnoreUnsupported);
      parts.response_format = write_json(*format);
    }
  }
  FATHOM_ASSIGN_OR_RETURN(parts.effort, choose_effort(effort, parts.thinking_mode, defaults));
  return {};
}

}  // namespace

Result<ChatRequest> read_messages_request(const JsonValue& body, const RequestDefaults& defaults) {
  if (!body.is_object()) return wrong_field("request", "an object", body);
  FATHOM_RETURN_IF_ERROR(check_finite_numbers(body));
  const JsonPlace place{body, ""};
  RequestParts parts;
  FATHOM_RETURN_IF_ERROR(read_output_config(place, defaults, parts));
  FATHOM_RETURN_IF_ERROR(read_messages(place, parts));
  FATHOM_RETURN_IF_ERROR(read_tools(place, parts));
  FATHOM_RETURN_IF_ERROR(read_tool_choice(place, parts));
  return finish_request(std::move(parts));
}

}  // namespace fathom
