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

// A request with its messages as sent: instructions anywhere, `without_eos` where the client asked for a
// prefix.
struct RequestParts {
  std::vector<ChatMessage> messages;
  std::vector<std::string> tools;  // JSON text of each function object
  std::vector<std::string> tool_names;
  std::string response_format;  // JSON text; empty for none
  ThinkingMode thinking_mode = ThinkingMode::kThinking;
  Effort effort = Effort::kNone;
  DropThinking drop_thinking = DropThinking::kYes;
  ReplyOptions::Calls calls = ReplyOptions::Calls::kPlainText;
};

// kInvalidArgument with this message.
Status refused(std::string message);

// Reads `thinking` ({"type": enabled, adaptive or disabled}); nothing when absent.
Result<std::optional<ThinkingMode>> read_thinking(const JsonPlace& body);

// The effort of a request in `mode` that says `word` (nothing when it says none).
Result<Effort> choose_effort(const std::optional<std::string>& word, ThinkingMode mode,
                             const RequestDefaults& defaults);

// Adds a tool: the name's letters and uniqueness are checked, `function` is its JSON text.
Status add_tool(RequestParts& parts, const std::string& name, std::string function, const std::string& path);

// Whether `name` of this object is one of the tools.
Status check_named_tool(const JsonPlace& choice, const RequestParts& parts);

// Call arguments given as text: blank is `{}` (chat.md 7.6).
std::string arguments_or_empty_object(std::string text);

// Places the instructions and appendices and checks the order of messages.
Result<ChatRequest> finish_request(RequestParts parts);

}  // namespace fathom
