// SPDX-License-Identifier: MIT
// /v1/responses, brought to the shape of /v1/chat/completions (api.md 6).
#include "base/concat.h"
#include "text/chat_request.h"
#include "text/request_rules.h"

namespace fathom {
namespace {

using Kind = JsonValue::Kind;

Status unsupported(const JsonPlace& place, std::string_view expected, std::string_view found) {
  return Status(StatusCode::kUnsupported,
                concat(place.path_of("type"), ": expected ", expected, ", found \"", found, '"'));
}

// A string, or parts of type input_text, output_text or text.
Result<std::vector<std::string>> read_content(const JsonPlace& place, std::string_view key) {
  const JsonValue* value = place.object.find(key);
  if (value == nullptr || value->is_null()) return std::vector<std::string>();
  if (value->is_string()) return std::vector<std::string>{value->as_string()};
  const std::string path = place.path_of(key);
  if (!value->is_array()) return wrong_field(path, "a string or an array of parts", *value);
  std::vector<std::string> texts;
  for (size_t i = 0; i < value->items().size(); ++i) {
    const JsonValue& item = value->items()[i];
    if (!item.is_object()) return wrong_field(item_path(path, i), "an object", item);
    const JsonPlace part{item, item_path(path, i)};
    FATHOM_ASSIGN_OR_RETURN(const std::string type, required_string(part, "type"));
    if (type == "refusal") continue;
    if (type != "input_text" && type != "output_text" && type != "text") {
      return unsupported(part, "input_text or output_text", type);
    }
    FATHOM_ASSIGN_OR_RETURN(std::string text, required_string(part, "text"));
    texts.push_back(std::move(text));
  }
  return texts;
}

std::string join(const std::vector<std::string>& texts, std::string_view between) {
  std::string all;
  for (size_t i = 0; i < texts.size(); ++i) all.append(i > 0 ? between : "").append(texts[i]);
  return all;
}

class InputReader {
 public:
  explicit InputReader(std::vector<ChatMessage>& messages) : messages_(messages) {}

  Status add(const JsonValue& value, std::string path) {
    if (!value.is_object()) return wrong_field(path, "an object", value);
    const JsonPlace place{value, std::move(path)};
    FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> type, optional_string(place, "type"));
    const std::string_view kind = type ? std::string_view(*type) : std::string_view("message");
    if (kind == "message") return add_message(place);
    if (kind == "reasoning") return add_reasoning(place);
    if (kind == "function_call") return add_call(place, "arguments");
    if (kind == "custom_tool_call") return add_call(place, "input");
    if (kind == "function_call_output" || kind == "custom_tool_call_output") return add_output(place);
    return unsupported(place,
                       "message, reasoning, function_call, function_call_output, custom_tool_call or "
                       "custom_tool_call_output",
                       kind);
  }

  // Reasoning that no item of the assistant's followed is of no use.
  void finish() { reasoning_.clear(); }

 private:
  Status add_message(const JsonPlace& place) {
    FATHOM_ASSIGN_OR_RETURN(const std::string name, required_string(place, "role"));
    const std::optional<Role> role = role_from_name(name);
    const bool known =
        role == Role::kSystem || role == Role::kDeveloper || role == Role::kUser || role == Role::kAssistant;
    if (!known) {
      return refused(concat(place.path_of("role"),
                            ": expected system, developer, user or assistant, found \"", name, '"'));
    }
    FATHOM_ASSIGN_OR_RETURN(std::vector<std::string> texts, read_content(place, "content"));
    if (role == Role::kUser) {
      reasoning_.clear();
      if (texts.empty()) texts.emplace_back();
      for (std::string& text : texts) messages_.push_back(user_message(std::move(text)));
    } else if (role == Role::kAssistant) {
      ChatMessage& turn = assistant_turn();
      turn.content.append(join(texts, ""));
    } else {
      ChatMessage message = system_message(join(texts, "\n\n"));
      message.role = *role;
      messages_.push_back(std::move(message));
    }
    return {};
  }

  // Its text is put back where the model wrote it: before the assistant's next item.
  Status add_reasoning(const JsonPlace& place) {
    FATHOM_ASSIGN_OR_RETURN(const JsonValue* content, optional_member(place, "content", Kind::kArray));
    for (size_t i = 0; content != nullptr && i < content->items().size(); ++i) {
      const JsonValue& item = content->items()[i];
      if (!item.is_object()) return wrong_field(item_path(place.path_of("content"), i), "an object", item);
      const JsonPlace part{item, item_path(place.path_of("content"), i)};
      FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> type, optional_string(part, "type"));
      if (type != "reasoning_text") continue;
      FATHOM_ASSIGN_OR_RETURN(const std::string text, required_string(part, "text"));
      reasoning_.append(text);
    }
    return {};
  }

  Status add_call(const JsonPlace& place, std::string_view key) {
    ToolCall call;
    FATHOM_ASSIGN_OR_RETURN(call.id, required_string(place, "call_id"));
    FATHOM_ASSIGN_OR_RETURN(call.name, required_string(place, "name"));
    FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> text, optional_string(place, key));
    if (key == "input") {
      JsonValue arguments = JsonValue::object();
      arguments.set("input", JsonValue::string(text.value_or("")));
      call.arguments = write_json(arguments);
    } else {
      call.arguments = arguments_or_empty_object(text.value_or(""));
    }
    assistant_turn().tool_calls.push_back(std::move(call));
    return {};
  }

  Status add_output(const JsonPlace& place) {
    ChatMessage result;
    result.role = Role::kTool;
    FATHOM_ASSIGN_OR_RETURN(result.tool_call_id, required_string(place, "call_id"));
    FATHOM_ASSIGN_OR_RETURN(const std::vector<std::string> texts, read_content(place, "output"));
    result.content = join(texts, "\n\n");
    messages_.push_back(std::move(result));
    return {};
  }

  // The assistant message that items now belong to. Reasoning after content or calls begins another.
  ChatMessage& assistant_turn() {
    const bool last = !messages_.empty() && messages_.back().role == Role::kAssistant;
    if (!last || !reasoning_.empty()) {
      messages_.push_back(assistant_message(std::move(reasoning_), {}));
      reasoning_.clear();
    }
    return messages_.back();
  }

  std::vector<ChatMessage>& messages_;
  std::string reasoning_;
};

Status read_input(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> instructions,
                          optional_string(body, "instructions"));
  if (instructions && !instructions->empty()) parts.messages.push_back(system_message(*instructions));
  const JsonValue* input = body.object.find("input");
  if (input == nullptr || input->is_null())
    return refused("input: expected a string or an array, found none");
  if (input->is_string()) {
    parts.messages.push_back(user_message(input->as_string()));
    return {};
  }
  if (!input->is_array()) return wrong_field("input", "a string or an array of items", *input);
  if (input->items().size() > kMaxMessages) {
    return refused(concat("input: expected at most ", kMaxMessages, " items, found ", input->items().size()));
  }
  InputReader reader(parts.messages);
  for (size_t i = 0; i < input->items().size(); ++i) {
    FATHOM_RETURN_IF_ERROR(reader.add(input->items()[i], item_path("input", i)));
  }
  reader.finish();
  return {};
}

// A custom tool takes one text.
JsonValue custom_tool_schema() {
  JsonValue text = JsonValue::object();
  text.set("type", JsonValue::string("string"));
  JsonValue properties = JsonValue::object();
  properties.set("input", std::move(text));
  std::vector<JsonValue> required;
  required.push_back(JsonValue::string("input"));
  JsonValue schema = JsonValue::object();
  schema.set("type", JsonValue::string("object"));
  schema.set("properties", std::move(properties));
  schema.set("required", JsonValue::array(std::move(required)));
  return schema;
}

Status add_flat_tool(const JsonPlace& place, std::string_view type, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const std::string name, required_string(place, "name"));
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> description,
                          optional_string(place, "description"));
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* schema, optional_member(place, "parameters", Kind::kObject));
  FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> strict, optional_bool(place, "strict"));
  JsonValue function = JsonValue::object();
  function.set("name", JsonValue::string(name));
  if (description) function.set("description", JsonValue::string(*description));
  if (type == "custom") function.set("parameters", custom_tool_schema());
  if (type == "function" && schema != nullptr) function.set("parameters", schema->clone());
  if (strict) function.set("strict", JsonValue::boolean(*strict));
  return add_tool(parts, name, function, place.path_of("name"));
}

Status read_tools(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* list, optional_member(body, "tools", Kind::kArray));
  for (size_t i = 0; list != nullptr && i < list->items().size(); ++i) {
    const JsonValue& tool = list->items()[i];
    if (!tool.is_object()) return wrong_field(item_path("tools", i), "an object", tool);
    const JsonPlace place{tool, item_path("tools", i)};
    FATHOM_ASSIGN_OR_RETURN(const std::string type, required_string(place, "type"));
    if (type != "function" && type != "custom") continue;  // a tool of a service that is not here
    FATHOM_RETURN_IF_ERROR(add_flat_tool(place, type, parts));
  }
  return {};
}

// A word, or {"type": "function", "name": N}.
Status read_tool_choice(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> parallel, optional_bool(body, "parallel_tool_calls"));
  if (!parallel.value_or(true)) parts.call_count = ConstraintSpec::CallCount::kOne;
  const JsonValue* choice = body.object.find("tool_choice");
  if (choice == nullptr || choice->is_null()) return {};
  if (choice->is_string()) return choose_tool_word(choice->as_string(), "tool_choice", parts);
  if (!choice->is_object()) return wrong_field("tool_choice", "a string or an object", *choice);
  return choose_named_tool({*choice, "tool_choice"}, parts);
}

// text.format: text, json_object, or json_schema with its members beside the type. The prompt shows it in the
// shape of chat completions.
Status read_format(const JsonPlace& body, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* text, optional_member(body, "text", Kind::kObject));
  if (text == nullptr) return {};
  const JsonPlace place{*text, "text"};
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* format, optional_member(place, "format", Kind::kObject));
  if (format == nullptr) return {};
  const JsonPlace inner{*format, place.path_of("format")};
  FATHOM_ASSIGN_OR_RETURN(const std::string type, required_string(inner, "type"));
  if (type == "text") return {};
  JsonValue shown = JsonValue::object();
  shown.set("type", JsonValue::string(type));
  if (type == "json_object") {
    require_json(parts, nullptr, ConstraintSpec::Keywords::kIgnoreUnsupported);
  } else if (type == "json_schema") {
    FATHOM_ASSIGN_OR_RETURN(const JsonValue* schema, required_member(inner, "schema", Kind::kObject));
    FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> strict, optional_bool(inner, "strict"));
    require_json(parts, schema, keywords_of(strict));
    JsonValue wrapped = JsonValue::object();
    for (const char* key : {"name", "description", "schema", "strict"}) {
      const JsonValue* member = format->find(key);
      if (member != nullptr && !member->is_null()) wrapped.set(key, member->clone());
    }
    shown.set("json_schema", std::move(wrapped));
  } else {
    return refused(
        concat(inner.path_of("type"), ": expected text, json_object or json_schema, found \"", type, '"'));
  }
  parts.response_format = write_json(shown);
  return {};
}

Status read_thinking_settings(const JsonPlace& body, const RequestDefaults& defaults, RequestParts& parts) {
  std::optional<std::string> effort;
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* reasoning, optional_member(body, "reasoning", Kind::kObject));
  if (reasoning != nullptr) {
    FATHOM_ASSIGN_OR_RETURN(effort, optional_string({*reasoning, "reasoning"}, "effort"));
  }
  parts.thinking_mode = defaults.thinking_mode;
  if (effort) parts.thinking_mode = *effort == "none" ? ThinkingMode::kChat : ThinkingMode::kThinking;
  FATHOM_ASSIGN_OR_RETURN(parts.effort, choose_effort(effort, parts.thinking_mode, defaults));
  return {};
}

}  // namespace

Result<ChatRequest> read_responses_request(const JsonValue& body, const RequestDefaults& defaults) {
  if (!body.is_object()) return wrong_field("request", "an object", body);
  FATHOM_RETURN_IF_ERROR(check_finite_numbers(body));
  const JsonPlace place{body, ""};
  const JsonValue* previous = body.find("previous_response_id");
  if (previous != nullptr && !previous->is_null()) {
    return refused("previous_response_id: expected none, found one: replies are not stored, send all items");
  }
  RequestParts parts;
  FATHOM_RETURN_IF_ERROR(read_thinking_settings(place, defaults, parts));
  FATHOM_RETURN_IF_ERROR(read_input(place, parts));
  FATHOM_RETURN_IF_ERROR(read_tools(place, parts));
  FATHOM_RETURN_IF_ERROR(read_tool_choice(place, parts));
  FATHOM_RETURN_IF_ERROR(read_format(place, parts));
  return finish_request(std::move(parts));
}

}  // namespace fathom
