// SPDX-License-Identifier: MIT
#include "text/closed_json.h"

#include <string>

namespace fathom {
namespace {

// Follows the text of an object and remembers how far it could be closed.
class Closer {
 public:
  std::string close(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) step(text[i], i);
    std::string out;
    if (in_string_ && !is_key_) {
      out = text.substr(0, string_end_);
      out.push_back('"');
      return out.append(closers_.rbegin(), closers_.rend());
    }
    out = text.substr(0, safe_end_);
    return out.append(safe_closers_.rbegin(), safe_closers_.rend());
  }

 private:
  void step(char c, size_t position) {
    if (in_string_) return step_string(c, position);
    switch (c) {
      case '"':
        in_string_ = true;
        is_key_ = !closers_.empty() && closers_.back() == '}' && expects_key_;
        string_end_ = position + 1;
        return;
      case '{':
      case '[':
        closers_.push_back(c == '{' ? '}' : ']');
        expects_key_ = c == '{';
        return mark_safe(position + 1);
      case '}':
      case ']':
        if (!closers_.empty()) closers_.pop_back();
        expects_key_ = false;
        return mark_safe(position + 1);
      case ',':
        // What stands before a comma is complete.
        mark_safe(position);
        expects_key_ = !closers_.empty() && closers_.back() == '}';
        return;
      case ':': expects_key_ = false; return;
      default: return;
    }
  }

  void step_string(char c, size_t position) {
    if (escape_left_ > 0) {
      // A `u` is followed by four digits; a surrogate pair that is cut reads as U+FFFD.
      if (escape_left_ == 1 && c == 'u' && !in_unicode_) {
        in_unicode_ = true;
        escape_left_ = 4;
        return;
      }
      if (--escape_left_ == 0) {
        in_unicode_ = false;
        string_end_ = position + 1;
      }
      return;
    }
    if (c == '\\') {
      escape_left_ = 1;
      return;
    }
    string_end_ = position + 1;
    if (c != '"') return;
    in_string_ = false;
    if (!is_key_) mark_safe(position + 1);
  }

  void mark_safe(size_t end) {
    safe_end_ = end;
    safe_closers_ = closers_;
  }

  std::string closers_;  // of what is open, outermost first
  bool expects_key_ = false;
  bool in_string_ = false;
  bool is_key_ = false;
  bool in_unicode_ = false;
  int escape_left_ = 0;
  size_t string_end_ = 0;  // up to here the open string can be closed
  size_t safe_end_ = 0;
  std::string safe_closers_;
};

constexpr JsonReadOptions kLenient = {.leniency = JsonReadOptions::Leniency::kPython, .max_depth = 64};

}  // namespace

JsonValue closed_object(std::string_view text) {
  auto whole = read_json(text, kLenient);
  if (!whole.ok()) whole = read_json(Closer().close(text), kLenient);
  return whole.ok() && whole->is_object() ? std::move(*whole) : JsonValue::object();
}

}  // namespace fathom
