// SPDX-License-Identifier: MIT
// The two prompt dialects of V4 checkpoints and the words that steer thinking (chat.md 4).
//
// Invariant: dialects differ in the effort texts only; everything else of the format is common.
// Thread rule: values and constants.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"

namespace fathom {

enum class Dialect : uint8_t {
  kPreview,   // checkpoints of April 2026
  kOfficial,  // V4-Flash-0731, V4-Pro-0813 and later V4
};

enum class ThinkingMode : uint8_t { kChat, kThinking };

// kNone: the request names no effort.
enum class Effort : uint8_t { kNone, kLow, kHigh, kMax };

// "preview", "official"; "chat", "thinking".
std::string_view dialect_name(Dialect dialect) noexcept;
std::string_view thinking_mode_name(ThinkingMode mode) noexcept;
// "low", "high", "max"; empty for kNone.
std::string_view effort_name(Effort effort) noexcept;

// The reverse; nothing for other words.
std::optional<Dialect> dialect_from_name(std::string_view name) noexcept;
std::optional<ThinkingMode> thinking_mode_from_name(std::string_view name) noexcept;

// The effort that an encoder of this dialect accepts under this word: preview `high` and `max`, official also
// `low`. kInvalidArgument, naming the words, for any other.
Result<Effort> effort_from_name(std::string_view name, Dialect dialect);

// The effort that the makers' service understands under a client's word (chat.md 7.2): minimal, low, medium,
// high, xhigh, max, ultra, and `none` for kNone. kInvalidArgument for any other.
Result<Effort> effort_from_request_word(std::string_view word, Dialect dialect);

// The text right after BOS in thinking mode (chat.md 4); empty when the dialect writes none for this effort.
std::string_view effort_text(Effort effort, Dialect dialect) noexcept;

// What a checkpoint directory shows about its dialect.
struct DialectFacts {
  std::string_view encoding_text;  // encoding/encoding_dsv4.py as text, never run; empty when there is none
  bool config_has_dspark_key = false;  // config.json has a key that starts with "dspark_"
};

// The dialect of a checkpoint; kUnsupported for the third format, that of V4.1 (a `<｜System｜>` token).
Result<Dialect> detect_dialect(const DialectFacts& facts);

}  // namespace fathom
