// SPDX-License-Identifier: MIT
// The parts of replies that several APIs write alike: usage, timings, logprobs, calls (api.md 4.1, 4.2, 4.5).
// Pure functions.
#pragma once

#include <span>
#include <string_view>

#include "engine/event_sink.h"
#include "io/json.h"
#include "server/reply_writer.h"
#include "server/server_options.h"
#include "server/token_trail.h"
#include "text/tokenizer.h"

namespace fathom {

JsonValue json_text(std::string_view text);
// {"type": type}
JsonValue typed(std::string_view type);

// OpenAI's usage object with DeepSeek's fields; `cost` where there are prices.
JsonValue usage_json(const Usage& usage, const Prices& prices);
JsonValue timings_json(const Usage& usage);

// [{"token", "logprob", "bytes", "top_logprobs"}]
JsonValue logprob_entries(std::span<const TokenEntry> entries, const Tokenizer& tokenizer);
// {"content": [...], "reasoning_content": [...]}
JsonValue chat_logprobs(std::span<const TokenEntry> content, std::span<const TokenEntry> reasoning,
                        const Tokenizer& tokenizer);

// [{"id", "type", "function": {"name", "arguments"}}]
JsonValue tool_calls_json(const FinishedChoice& finished);

}  // namespace fathom
