// SPDX-License-Identifier: MIT
// From API request bodies to encoder input (chat.md 7; api.md 4, 6 and 7): only the fields that shape the
// prompt.
//
// Every error is kInvalidArgument or kUnsupported, its message fit for a 400 reply. Pure functions.
#pragma once

#include "base/status.h"
#include "io/json.h"
#include "text/chat_message.h"
#include "text/constraint.h"
#include "text/reply_parser.h"

namespace fathom {

struct RequestDefaults {
  Dialect dialect = Dialect::kPreview;
  ThinkingMode thinking_mode =
      ThinkingMode::kThinking;  // of /v1/chat/completions; /v1/messages is chat unless asked
  Effort effort = Effort::kNone;
};

struct ChatRequest {
  Conversation conversation;
  ReplyOptions::Calls calls =
      ReplyOptions::Calls::kPlainText;  // whether calls in the reply are read as calls
  ConstraintSpec constraint;            // what the reply must look like; `start` follows from the prompt
};

// The body of /v1/chat/completions.
Result<ChatRequest> read_chat_request(const JsonValue& body, const RequestDefaults& defaults);

// The body of /v1/messages.
Result<ChatRequest> read_messages_request(const JsonValue& body, const RequestDefaults& defaults);

// The body of /v1/responses.
Result<ChatRequest> read_responses_request(const JsonValue& body, const RequestDefaults& defaults);

}  // namespace fathom
