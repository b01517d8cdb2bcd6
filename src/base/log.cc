// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace fathom {
namespace {

constexpr std::string_view kNames[] = {"debug", "info", "warn", "error", "off"};
constexpr size_t kMaxValueBytes = 512;

LogLevel level_of_environment() noexcept {
  const char* text = std::getenv("FATHOM_LOG");
  for (size_t i = 0; text != nullptr && i < std::size(kNames); ++i) {
    if (kNames[i] == text) return static_cast<LogLevel>(i);
  }
  return LogLevel::kInfo;
}

bool is_bare(char c) noexcept { return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\'; }

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[40];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(ms % 1000));
  return text;
}

}  // namespace

bool log_enabled(LogLevel level) noexcept {
  static const LogLevel lowest = level_of_environment();
  return level >= lowest && level != LogLevel::kOff;
}

std::string log_value(std::string_view text) {
  const bool cut = text.size() > kMaxValueBytes;
  text = text.substr(0, kMaxValueBytes);
  bool bare = !text.empty() && !cut;
  for (const char c : text) bare = bare && is_bare(c);
  if (bare) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte >= 0x7F) {
      char escape[5];
      std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      out += escape;
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + (cut ? "...\"" : "\"");
}

void log_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!log_enabled(level)) return;
  std::string line = concat(timestamp(), ' ', kNames[static_cast<size_t>(level)], ' ', event);
  for (const LogField& field : fields) line += concat(' ', field.key, '=', log_value(field.value));
  line += '\n';
  // A log nobody can read must not stop the work.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace fathom
