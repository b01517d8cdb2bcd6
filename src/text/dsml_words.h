// SPDX-License-Identifier: MIT
// The words of the tool markup and small questions about its characters (chat.md 5 and 6). Pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fathom {

inline constexpr std::string_view kInvokeWord = "invoke";
inline constexpr std::string_view kParameterWord = "parameter";
// How models spell the wrapper; the first is the right one.
inline constexpr std::array<std::string_view, 4> kWrapperWords = {"tool_calls", "toolcalls", "tool_call",
                                                                  "function_calls"};
// No tag has a longer word ("function_calls").
inline constexpr size_t kMaxTagWord = 14;

inline bool is_dsml_space(char c) noexcept {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

inline bool is_tag_word_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

inline bool is_wrapper_word(std::string_view word) noexcept {
  for (const std::string_view wrapper : kWrapperWords) {
    if (word == wrapper) return true;
  }
  return false;
}

// Whether `c` begins a code point of well-formed UTF-8.
inline bool begins_code_point(char c) noexcept { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }

}  // namespace fathom
