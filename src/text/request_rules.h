// SPDX-License-Identifier: MIT
// What the request shapes have in common once their messages and tools are read (chat.md 7.2, 7.3, 7.7, 7.8).
// Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/chat_request.h"
#include "text/json_fields.h"

namespace fathom {

// Caps of reliability.md 3.
inline constexpr size_t kMaxMessages = 4096;
inline constexpr size_t kMaxTools = 256;

// Which calls a request asks for; a named tool is the only one that may be called.
struct ToolChoice {
  enum class Kind : uint8_t { kAuto, kNone, kRequired, kNamed };
  Kind kind = Kind::kAuto;
  std::string name = {};
};

// A request with its messages as sent: instructions anywhere, `without_eos` where the client asked for a
// prefix.
struct RequestParts {
  std::vector<ChatMessage> messages;
  std::vector<std::string> tools;  // JSON text of each function object
  std::vector<std::string> tool_names;
  std::vector<std::string> tool_schemas;  // JSON text of each one's parameters; empty for none
  ToolChoice tool_choice;
  ConstraintSpec::CallCount call_count = ConstraintSpec::CallCount::kMany;
  std::string response_format;  // JSON text as the prompt shows it; empty for none
  ConstraintSpec constraint;    // format, its text and keywords only
  ThinkingMode thinking_mode = ThinkingMode::kThinking;
  Effort effort = Effort::kNone;
  DropThinking drop_thinking = DropThinking::kYes;
};

// kInvalidArgument with this message.
Status refused(std::string message);

// Reads `thinking` ({"type": enabled, adaptive or disabled}); nothing when absent.
Result<std::optional<ThinkingMode>> read_thinking(const JsonPlace& body);

// The effort of a request in `mode` that says `word` (nothing when it says none).
Result<Effort> choose_effort(const std::optional<std::string>& word, ThinkingMode mode,
                             const RequestDefaults& defaults);

// Adds a tool: the name's letters and uniqueness are checked, `function` is what the prompt shows, with its
// schema under "parameters".
Status add_tool(RequestParts& parts, const std::string& name, const JsonValue& function,
                const std::string& path);

// Chooses the tool that `name` of this object names.
Status choose_named_tool(const JsonPlace& choice, RequestParts& parts);
// Chooses by the word none, auto or required; any other is refused. `path` is the place of the word.
Status choose_tool_word(std::string_view word, const std::string& path, RequestParts& parts);

// What `strict` of a schema asks for.
ConstraintSpec::Keywords keywords_of(std::optional<bool> strict) noexcept;
// Content that is valid against `schema`, if any; null for any object.
void require_json(RequestParts& parts, const JsonValue* schema, ConstraintSpec::Keywords keywords);

// Call arguments given as text: blank is `{}` (chat.md 7.6).
std::string arguments_or_empty_object(std::string text);

// Places the instructions and appendices and checks the order of messages.
Result<ChatRequest> finish_request(RequestParts parts);

}  // namespace fathom
