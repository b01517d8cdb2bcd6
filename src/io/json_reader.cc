// SPDX-License-Identifier: MIT
// read_json: one pass, an explicit stack of open containers, no recursion.
#include <unordered_set>

#include "base/concat.h"
#include "io/json.h"
#include "io/utf8.h"

namespace fathom {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

class Reader {
 public:
  Reader(std::string_view text, const JsonReadOptions& options)
      : begin_(text.data()), p_(text.data()), end_(text.data() + text.size()), options_(options) {}

  Result<JsonValue> read() {
    for (;;) {
      skip_space();
      // A value is due here: either at the top, after ':' or ',' or after '['.
      JsonValue value;
      FATHOM_ASSIGN_OR_RETURN(const bool opened, read_value(value));
      if (opened) continue;
      FATHOM_ASSIGN_OR_RETURN(const bool finished, place(std::move(value)));
      if (finished) break;
    }
    skip_space();
    if (p_ != end_) return error("the end of the text");
    return std::move(root_);
  }

 private:
  struct Open {  // a container whose end has not been read
    JsonValue value;
    std::string key;  // of the member being read
    std::unordered_set<std::string> keys;
  };

  bool python() const noexcept { return options_.leniency == JsonReadOptions::Leniency::kPython; }

  Status error(std::string_view expected) const {
    std::string found = "the end of the text";
    if (p_ != end_) {
      const auto c = static_cast<uint8_t>(*p_);
      found = c >= 0x20 && c < 0x7F ? concat('\'', *p_, '\'') : concat("byte ", c);
    }
    return Status(StatusCode::kCorrupt,
                  concat("JSON: byte ", p_ - begin_, ": expected ", expected, ", found ", found));
  }

  void skip_space() noexcept {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\t' || *p_ == '\r')) ++p_;
  }

  bool take(std::string_view word) noexcept {
    if (static_cast<size_t>(end_ - p_) < word.size() || std::string_view(p_, word.size()) != word)
      return false;
    p_ += word.size();
    return true;
  }

  // Reads a scalar into `value`, or opens a container (true). An empty container is a finished value.
  Result<bool> read_value(JsonValue& value) {
    if (++nodes_ > options_.max_nodes) return error(concat("at most ", options_.max_nodes, " values"));
    if (p_ == end_) return error("a value");
    if (*p_ == '{' || *p_ == '[') return open_container(value);
    if (*p_ == '"') {
      std::string text;
      FATHOM_RETURN_IF_ERROR(read_string(text));
      value = JsonValue::string(std::move(text));
      return false;
    }
    if (*p_ == '-' || is_digit(*p_)) {
      FATHOM_RETURN_IF_ERROR(read_number(value));
      return false;
    }
    if (take("true")) {
      value = JsonValue::boolean(true);
    } else if (take("false")) {
      value = JsonValue::boolean(false);
    } else if (python() && take("NaN")) {
      value = JsonValue::number_text("NaN");
    } else if (python() && take("Infinity")) {
      value = JsonValue::number_text("Infinity");
    } else if (!take("null")) {
      return error("a value");
    }
    return false;
  }

  Result<bool> open_container(JsonValue& value) {
    const bool is_object = *p_ == '{';
    if (static_cast<int>(open_.size()) >= options_.max_depth) {
      return error(concat("at most ", options_.max_depth, " levels of nesting"));
    }
    ++p_;
    skip_space();
    value = is_object ? JsonValue::object() : JsonValue::array();
    if (p_ != end_ && *p_ == (is_object ? '}' : ']')) {
      ++p_;
      return false;
    }
    open_.push_back({std::move(value), {}, {}});
    if (is_object) FATHOM_RETURN_IF_ERROR(read_key());
    return true;
  }

  // Puts a finished value where it belongs and closes containers that end after it; true at the end of the
  // root.
  Result<bool> place(JsonValue value) {
    for (;;) {
      if (open_.empty()) {
        root_ = std::move(value);
        return true;
      }
      Open& top = open_.back();
      const bool is_object = top.value.is_object();
      if (is_object) {
        add_member(top, std::move(value));
      } else {
        top.value.items().push_back(std::move(value));
      }
      skip_space();
      if (p_ != end_ && *p_ == ',') {
        ++p_;
        if (is_object) {
          skip_space();
          FATHOM_RETURN_IF_ERROR(read_key());
        }
        return false;
      }
      if (p_ == end_ || *p_ != (is_object ? '}' : ']')) return error(is_object ? "',' or '}'" : "',' or ']'");
      ++p_;
      value = std::move(top.value);
      open_.pop_back();
    }
  }

  static void add_member(Open& top, JsonValue value) {
    if (top.keys.insert(top.key).second) {
      top.value.members().emplace_back(std::move(top.key), std::move(value));
    } else {
      top.value.set(top.key, std::move(value));  // Python's rule; strict mode refused the key before
    }
  }

  Status read_key() {
    if (p_ == end_ || *p_ != '"') return error("a key in quotes");
    Open& top = open_.back();
    const char* start = p_;
    top.key.clear();
    FATHOM_RETURN_IF_ERROR(read_string(top.key));
    if (!python() && top.keys.contains(top.key)) {
      p_ = start;
      return error(concat("each key once (\"", top.key.substr(0, 100), "\" is repeated)"));
    }
    skip_space();
    if (p_ == end_ || *p_ != ':') return error("':'");
    ++p_;
    return Status();
  }

  Status read_number(JsonValue& value) {
    const char* start = p_;
    if (*p_ == '-') ++p_;
    if (python() && take("Infinity")) {
      value = JsonValue::number_text("-Infinity");
      return Status();
    }
    if (p_ == end_ || !is_digit(*p_)) return error("a digit");
    if (*p_ == '0') {
      ++p_;
    } else {
      skip_digits();
    }
    if (p_ != end_ && *p_ == '.') {
      ++p_;
      if (p_ == end_ || !is_digit(*p_)) return error("a digit");
      skip_digits();
    }
    if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
      ++p_;
      if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
      if (p_ == end_ || !is_digit(*p_)) return error("a digit");
      skip_digits();
    }
    value = JsonValue::number_text(std::string(start, p_));
    return Status();
  }

  void skip_digits() noexcept {
    while (p_ != end_ && is_digit(*p_)) ++p_;
  }

  Status read_string(std::string& out) {
    ++p_;  // the opening quote
    for (;;) {
      const char* run = p_;
      while (p_ != end_ && *p_ != '"' && *p_ != '\\' && static_cast<uint8_t>(*p_) >= 0x20) {
        const size_t length = utf8_sequence_length(p_, end_);
        if (length == 0) return error("UTF-8");
        p_ += length;
      }
      out.append(run, p_);
      if (p_ == end_) return error("'\"'");
      if (*p_ == '"') {
        ++p_;
        return Status();
      }
      if (*p_ != '\\') return error("an escaped control character");
      FATHOM_RETURN_IF_ERROR(read_escape(out));
    }
  }

  Status read_escape(std::string& out) {
    ++p_;  // the backslash
    if (p_ == end_) return error("an escape");
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (const size_t at = kNames.find(*p_); at != std::string_view::npos) {
      out.push_back(kValues[at]);
      ++p_;
      return Status();
    }
    if (*p_ != 'u') return error("an escape");
    ++p_;
    uint32_t code = 0;
    FATHOM_RETURN_IF_ERROR(read_hex4(code));
    if (code >= 0xD800 && code <= 0xDBFF && end_ - p_ >= 2 && p_[0] == '\\' && p_[1] == 'u') {
      const char* second = p_;
      p_ += 2;
      uint32_t low = 0;
      FATHOM_RETURN_IF_ERROR(read_hex4(low));
      if (low >= 0xDC00 && low <= 0xDFFF) {
        append_code_point(out, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
        return Status();
      }
      p_ = second;  // an escape of its own
    }
    if (code >= 0xD800 && code <= 0xDFFF) {
      if (!python()) return error("the other half of a surrogate pair");
      code = 0xFFFD;
    }
    append_code_point(out, code);
    return Status();
  }

  Status read_hex4(uint32_t& code) {
    code = 0;
    for (int i = 0; i < 4; ++i, ++p_) {
      if (p_ == end_) return error("four hexadecimal digits");
      const char c = *p_;
      uint32_t digit = 16;
      if (is_digit(c)) digit = static_cast<uint32_t>(c - '0');
      if (c >= 'a' && c <= 'f') digit = static_cast<uint32_t>(c - 'a' + 10);
      if (c >= 'A' && c <= 'F') digit = static_cast<uint32_t>(c - 'A' + 10);
      if (digit == 16) return error("four hexadecimal digits");
      code = code * 16 + digit;
    }
    return Status();
  }

  const char* begin_;
  const char* p_;
  const char* end_;
  const JsonReadOptions& options_;
  int64_t nodes_ = 0;
  std::vector<Open> open_;
  JsonValue root_;
};

}  // namespace

Result<JsonValue> read_json(std::string_view text, const JsonReadOptions& options) {
  return Reader(text, options).read();
}

}  // namespace fathom
