// SPDX-License-Identifier: MIT
#include "text/json_syntax.h"

#include <cstdint>
#include <vector>

namespace fathom {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

class SyntaxChecker {
 public:
  explicit SyntaxChecker(std::string_view text) : text_(text) {}

  bool check() {
    for (;;) {
      skip_space();
      if (take('[') || take('{')) {
        if (!open(text_[at_ - 1])) return false;
        if (!closed_) continue;
      } else if (!scalar()) {
        return false;
      }
      if (!after_value()) return false;
      if (open_.empty()) break;
    }
    skip_space();
    return at_ == text_.size();
  }

 private:
  bool take(char c) noexcept {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void skip_space() noexcept {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  // After '[' or '{'. closed_: the container was empty and is a finished value; otherwise a value is due.
  bool open(char opener) {
    if (open_.size() == static_cast<size_t>(kMaxJsonSyntaxDepth)) return false;
    skip_space();
    closed_ = take(opener == '[' ? ']' : '}');
    if (closed_) return true;
    open_.push_back(opener);
    return opener == '[' || key();
  }

  // Closes what ends after a finished value, or stands before the next one.
  bool after_value() {
    while (!open_.empty()) {
      skip_space();
      const char opener = open_.back();
      if (take(',')) {
        if (opener == '[') return true;
        skip_space();
        return key();
      }
      if (!take(opener == '[' ? ']' : '}')) return false;
      open_.pop_back();
    }
    return true;
  }

  bool key() {
    if (!string()) return false;
    skip_space();
    return take(':');
  }

  bool scalar() {
    if (at_ == text_.size()) return false;
    if (text_[at_] == '"') return string();
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return true;
    }
    return number();
  }

  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<uint8_t>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

  bool escape() {
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ == text_.size() || !is_hex(text_[at_])) return false;
    }
    return true;
  }

  bool digits() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > begin;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  const std::string_view text_;
  size_t at_ = 0;
  bool closed_ = false;
  std::vector<char> open_;  // '[' or '{' of every container not yet closed
};

}  // namespace

bool is_json_text(std::string_view text) { return SyntaxChecker(text).check(); }

}  // namespace fathom
