// SPDX-License-Identifier: MIT
// The work of `fathom template` and `fathom parse-reply`: a JSON line in, a JSON line out (conformance.md).
//
// A line that is wrong gives {"error": 400, "message": ...}, never a failure of the command. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "text/chat_dialect.h"
#include "text/chat_markers.h"
#include "text/tokenizer.h"

namespace fathom {

struct TemplateContext {
  const Tokenizer& tokenizer;
  const MarkerIds& markers;  // of that tokenizer, chat_available()
  Dialect dialect = Dialect::kPreview;
};

// Encoder input (`messages`, `thinking_mode`, `reasoning_effort`, `drop_thinking`) or an API request (`api`,
// `request` or `request_text`) -> {"prompt", "ids", "thinking_mode", "reasoning_effort"}.
std::string template_line(std::string_view line, const TemplateContext& context);

struct ParseReplyOptions {
  enum class Events : uint8_t { kNo, kYes };
  int unit_code_points = 0;  // text is fed this many code points at a time; 0: as the line cuts it
  Events events =
      Events::kNo;  // adds `cumulative`; a line with `text` is then cut at every code point by default
};

// {"text" or "units", "thinking_mode", "tools"} -> {"reasoning_content", "content", "tool_calls",
// "finish_reason"}.
std::string parse_reply_line(std::string_view line, const ParseReplyOptions& options);

}  // namespace fathom
