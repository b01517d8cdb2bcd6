// SPDX-License-Identifier: MIT
#include "text/request_rules.h"

#include <algorithm>

#include "base/concat.h"

namespace fathom {
namespace {

constexpr size_t kMaxToolName = 128;

bool is_instruction(const ChatMessage& message) noexcept {
  return message.role == Role::kSystem || message.role == Role::kDeveloper;
}

bool is_tool_name(std::string_view name) noexcept {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  return !name.empty() && name.size() <= kMaxToolName &&
         name.find_first_not_of(kLetters) == std::string_view::npos;
}

// Leading instructions become one system message, later ones user messages in place. If there is nothing
// else, the last instruction is the user message.
std::vector<ChatMessage> place_instructions(std::vector<ChatMessage> messages) {
  const auto rest = std::find_if_not(messages.begin(), messages.end(), is_instruction);
  auto leading = static_cast<size_t>(rest - messages.begin());
  if (leading == messages.size()) --leading;
  std::vector<ChatMessage> placed;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (i >= leading) {
      if (is_instruction(messages[i])) messages[i].role = Role::kUser;
      placed.push_back(std::move(messages[i]));
    } else if (i == 0) {
      placed.push_back(system_message(std::move(messages[i].content)));
    } else {
      placed.front().content.append("\n\n").append(messages[i].content);
    }
  }
  return placed;
}

Status check_order(const std::vector<ChatMessage>& messages) {
  for (size_t i = 0; i + 1 < messages.size(); ++i) {
    if (messages[i].without_eos)
      return refused("messages: prefix: expected on the last message only, found earlier");
  }
  switch (messages.back().role) {
    case Role::kUser: return {};
    case Role::kTool: return {};
    case Role::kAssistant:
      if (messages.back().without_eos) return {};
      return refused(
          "messages: the last message: expected user or tool, or an assistant with prefix, found assistant");
    case Role::kLatestReminder: break;
    case Role::kSystem: break;
    case Role::kDeveloper: break;
  }
  return refused("messages: the last message: expected user or tool, found latest_reminder");
}

}  // namespace

Status refused(std::string message) { return Status(StatusCode::kInvalidArgument, std::move(message)); }

Result<std::optional<ThinkingMode>> read_thinking(const JsonPlace& body) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* thinking,
                          optional_member(body, "thinking", JsonValue::Kind::kObject));
  if (thinking == nullptr) return std::optional<ThinkingMode>();
  FATHOM_ASSIGN_OR_RETURN(const std::string type,
                          required_string({*thinking, body.path_of("thinking")}, "type"));
  if (type == "disabled") return std::optional(ThinkingMode::kChat);
  if (type == "enabled" || type == "adaptive") return std::optional(ThinkingMode::kThinking);
  return refused(concat("thinking.type: expected enabled, adaptive or disabled, found \"", type, '"'));
}

Result<Effort> choose_effort(const std::optional<std::string>& word, ThinkingMode mode,
                             const RequestDefaults& defaults) {
  Effort effort = Effort::kNone;
  if (word) {
    FATHOM_ASSIGN_OR_RETURN(effort, effort_from_request_word(*word, defaults.dialect));
  }
  if (mode == ThinkingMode::kChat) return Effort::kNone;
  return effort == Effort::kNone ? defaults.effort : effort;
}

Status add_tool(RequestParts& parts, const std::string& name, const JsonValue& function,
                const std::string& path) {
  if (!is_tool_name(name)) {
    return refused(concat(path, ": expected 1 to 128 of A-Z, a-z, 0-9, _ . -, found \"", name, '"'));
  }
  if (std::find(parts.tool_names.begin(), parts.tool_names.end(), name) != parts.tool_names.end()) {
    return refused(concat(path, ": expected a name of its own for every tool, found \"", name, "\" twice"));
  }
  if (parts.tools.size() == kMaxTools)
    return refused(concat("tools: expected at most ", kMaxTools, ", found more"));
  parts.tool_names.push_back(name);
  parts.tools.push_back(write_json(function));
  const JsonValue* schema = function.find("parameters");
  parts.tool_schemas.push_back(schema == nullptr || schema->is_null() ? std::string() : write_json(*schema));
  return {};
}

Status choose_named_tool(const JsonPlace& choice, RequestParts& parts) {
  FATHOM_ASSIGN_OR_RETURN(const std::string name, required_string(choice, "name"));
  if (std::find(parts.tool_names.begin(), parts.tool_names.end(), name) == parts.tool_names.end()) {
    return refused(concat(choice.path_of("name"), ": expected a name of tools, found \"", name, '"'));
  }
  parts.tool_choice = {ToolChoice::Kind::kNamed, name};
  return {};
}

Status choose_tool_word(std::string_view word, const std::string& path, RequestParts& parts) {
  using Kind = ToolChoice::Kind;
  if (word != "none" && word != "auto" && word != "required") {
    return refused(concat(path, ": expected none, auto or required, found \"", word, '"'));
  }
  if (word == "required" && parts.tools.empty()) {
    return refused(concat(path, ": expected tools to choose from, found none"));
  }
  parts.tool_choice.kind = word == "none" ? Kind::kNone : word == "auto" ? Kind::kAuto : Kind::kRequired;
  return {};
}

ConstraintSpec::Keywords keywords_of(std::optional<bool> strict) noexcept {
  return strict.value_or(false) ? ConstraintSpec::Keywords::kRefuseUnsupported
                                : ConstraintSpec::Keywords::kIgnoreUnsupported;
}

void require_json(RequestParts& parts, const JsonValue* schema, ConstraintSpec::Keywords keywords) {
  parts.constraint.keywords = keywords;
  if (schema == nullptr || schema->is_null()) {
    parts.constraint.format = ConstraintSpec::Format::kJsonObject;
    return;
  }
  parts.constraint.format = ConstraintSpec::Format::kJsonSchema;
  parts.constraint.format_text = write_json(*schema);
}

std::string arguments_or_empty_object(std::string text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos ? std::string("{}") : std::move(text);
}

namespace {

ConstraintSpec constraint_of(RequestParts& parts) {
  ConstraintSpec spec = std::move(parts.constraint);
  if (parts.tools.empty()) return spec;
  spec.call_count = parts.call_count;
  switch (parts.tool_choice.kind) {
    case ToolChoice::Kind::kNone: spec.calls = ConstraintSpec::Calls::kForbidden; return spec;
    case ToolChoice::Kind::kAuto: spec.calls = ConstraintSpec::Calls::kAllowed; break;
    case ToolChoice::Kind::kRequired: spec.calls = ConstraintSpec::Calls::kRequired; break;
    case ToolChoice::Kind::kNamed: spec.calls = ConstraintSpec::Calls::kRequired; break;
  }
  for (size_t i = 0; i < parts.tools.size(); ++i) {
    const bool wanted =
        parts.tool_choice.kind != ToolChoice::Kind::kNamed || parts.tool_choice.name == parts.tool_names[i];
    if (wanted) spec.tools.push_back({parts.tool_names[i], std::move(parts.tool_schemas[i])});
  }
  return spec;
}

}  // namespace

Result<ChatRequest> finish_request(RequestParts parts) {
  if (parts.messages.empty()) return refused("messages: expected at least one message, found none");
  ChatRequest request;
  const bool parsed = !parts.tools.empty() && parts.tool_choice.kind != ToolChoice::Kind::kNone;
  request.calls = parsed ? ReplyOptions::Calls::kParsed : ReplyOptions::Calls::kPlainText;
  request.constraint = constraint_of(parts);
  Conversation& conversation = request.conversation;
  conversation.thinking_mode = parts.thinking_mode;
  conversation.effort = parts.effort;
  conversation.drop_thinking = parts.drop_thinking;
  conversation.messages = place_instructions(std::move(parts.messages));
  FATHOM_RETURN_IF_ERROR(check_order(conversation.messages));
  if (!parts.tools.empty() || !parts.response_format.empty()) {
    if (conversation.messages.front().role != Role::kSystem) {
      conversation.messages.insert(conversation.messages.begin(), system_message({}));
    }
    conversation.messages.front().tools = std::move(parts.tools);
    conversation.messages.front().response_format = std::move(parts.response_format);
  }
  return request;
}

}  // namespace fathom
