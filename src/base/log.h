// SPDX-License-Identifier: MIT
// Log lines of key=value on standard error (design.md 17): one write per line, control bytes escaped, never
// prompt text or keys.
//
// The level comes from FATHOM_LOG (debug, info, warn, error, off; default info), read once. Any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/concat.h"

namespace fathom {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError, kOff };

// One key=value; the key is ours, the value may be anything.
struct LogField {
  template <typename T>
  LogField(std::string_view name, const T& text) : key(name), value(concat(text)) {}

  std::string_view key;
  std::string value;
};

bool log_enabled(LogLevel level) noexcept;

// "2026-01-02T03:04:05.678Z info EVENT key=value ...". `event` is a word of ours.
void log_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);

// A value as it stands in a line: bare when it is printable without blanks, quotes, '=' or backslashes, else
// in quotes with those and all control bytes escaped, cut after 512 bytes.
std::string log_value(std::string_view text);

}  // namespace fathom
