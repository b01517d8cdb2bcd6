// SPDX-License-Identifier: MIT
#include "io/json_cursor.h"

#include <array>
#include <cstring>

#include "base/checked_math.h"
#include "base/concat.h"
#include "io/utf8.h"

namespace fathom {
namespace {

constexpr int kMaxDepth = 64;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Whether any of eight characters ends a run of plain ASCII: a quote, a backslash, a control character or a
// byte >= 0x80.
bool has_special(uint64_t chars) noexcept {
  constexpr uint64_t kOnes = 0x0101010101010101ull;
  constexpr uint64_t kHigh = 0x8080808080808080ull;
  // For bytes below 0x80, (x - 1) has its high bit set exactly where x is 0, up to borrows that only add
  // alarms.
  const uint64_t quote = (chars ^ (kOnes * '"')) - kOnes;
  const uint64_t backslash = (chars ^ (kOnes * '\\')) - kOnes;
  const uint64_t control = chars - kOnes * 0x20;
  return ((chars | quote | backslash | control) & kHigh) != 0;
}

}  // namespace

void JsonCursor::skip_space() noexcept {
  while (p_ != end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) ++p_;
}

bool JsonCursor::at_end() noexcept {
  skip_space();
  return p_ == end_;
}

Status JsonCursor::error_at(char expected) const { return error(concat("'", expected, "'")); }

Status JsonCursor::error(std::string_view expected) const {
  std::string found = "the end of the text";
  if (p_ != end_) {
    const auto byte = static_cast<unsigned char>(*p_);
    found = byte >= 0x20 && byte < 0x7f ? concat("'", *p_, "'") : concat("byte ", static_cast<int>(byte));
  }
  return Status(StatusCode::kCorrupt,
                concat("byte ", position(), ": expected ", expected, ", found ", found));
}

// Runs over plain ASCII; false when the text ends.
bool JsonCursor::skip_plain() noexcept {
  while (end_ - p_ >= 8) {
    uint64_t chars;
    std::memcpy(&chars, p_, 8);
    if (has_special(chars)) break;
    p_ += 8;
  }
  while (p_ != end_) {
    const auto byte = static_cast<unsigned char>(*p_);
    if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') return true;
    ++p_;
  }
  return false;
}

Result<uint32_t> JsonCursor::read_hex4() {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    if (p_ == end_) return error("four hexadecimal digits");
    const char c = *p_;
    if (is_digit(c)) {
      value = value * 16 + static_cast<uint32_t>(c - '0');
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      value = value * 16 + static_cast<uint32_t>((c | 0x20) - 'a' + 10);
    } else {
      return error("four hexadecimal digits");
    }
    ++p_;
  }
  return value;
}

// The character behind a backslash at the cursor.
Result<uint32_t> JsonCursor::read_escape() {
  ++p_;
  if (p_ == end_) return error("an escape");
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (const size_t i = kLetters.find(*p_); i != std::string_view::npos) {
    ++p_;
    return static_cast<uint32_t>(kMeanings[i]);
  }
  if (*p_ != 'u') return error("an escape");
  ++p_;
  FATHOM_ASSIGN_OR_RETURN(const uint32_t first, read_hex4());
  if (first < 0xD800 || first > 0xDFFF) return first;
  if (first > 0xDBFF || end_ - p_ < 2 || p_[0] != '\\' || p_[1] != 'u') return error("a surrogate pair");
  p_ += 2;
  FATHOM_ASSIGN_OR_RETURN(const uint32_t second, read_hex4());
  if (second < 0xDC00 || second > 0xDFFF) return error("a low surrogate");
  return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

// Reads one part of a string: a plain run, then the special character behind it unless that is the closing
// quote. Appends to `out` unless that is null.
Status JsonCursor::next_string_part(std::string* out) {
  const char* begin = p_;
  if (!skip_plain()) return error("'\"'");
  if (*p_ == '\\') {
    if (out != nullptr) out->append(begin, p_);
    FATHOM_ASSIGN_OR_RETURN(const uint32_t code, read_escape());
    if (out != nullptr) append_code_point(*out, code);
    return {};
  }
  if (static_cast<unsigned char>(*p_) < 0x20) return error("a character above 31");
  if (*p_ != '"') {
    const size_t length = utf8_sequence_length(p_, end_);
    if (length == 0) return error("well-formed UTF-8");
    p_ += length;
  }
  if (out != nullptr) out->append(begin, p_);
  return {};
}

Status JsonCursor::open_string() {
  if (consume('"')) return {};
  return error("a string");
}

Status JsonCursor::skip_string() {
  FATHOM_RETURN_IF_ERROR(open_string());
  do {
    FATHOM_RETURN_IF_ERROR(next_string_part(nullptr));
    if (p_ == end_) return error("'\"'");
  } while (*p_ != '"');
  ++p_;
  return {};
}

Result<std::string_view> JsonCursor::read_string(std::string& scratch) {
  FATHOM_RETURN_IF_ERROR(open_string());
  const char* begin = p_;
  if (skip_plain() && *p_ == '"') return std::string_view(begin, static_cast<size_t>(p_++ - begin));
  p_ = begin;
  scratch.clear();
  do {
    FATHOM_RETURN_IF_ERROR(next_string_part(&scratch));
    if (p_ == end_) return error("'\"'");
  } while (*p_ != '"');
  ++p_;
  return std::string_view(scratch);
}

Result<uint64_t> JsonCursor::read_unsigned() {
  skip_space();
  if (p_ == end_ || !is_digit(*p_)) return error("digits");
  if (*p_ == '0' && end_ - p_ > 1 && is_digit(p_[1])) return error("a number without leading zero");
  uint64_t value = 0;
  for (; p_ != end_ && is_digit(*p_); ++p_) {
    const auto tens = checked_mul(value, 10);
    const auto next = tens ? checked_add(*tens, static_cast<uint64_t>(*p_ - '0')) : std::nullopt;
    if (!next) return error("an integer below 2^64");
    value = *next;
  }
  if (p_ != end_ && (*p_ == '.' || *p_ == 'e' || *p_ == 'E')) return error("an integer");
  return value;
}

Status JsonCursor::skip_number() {
  if (*p_ == '-') ++p_;
  const auto digits = [&] {
    const char* begin = p_;
    while (p_ != end_ && is_digit(*p_)) ++p_;
    return p_ != begin;
  };
  if (p_ != end_ && *p_ == '0' && end_ - p_ > 1 && is_digit(p_[1]))
    return error("a number without leading zero");
  if (!digits()) return error("digits");
  if (p_ != end_ && *p_ == '.') {
    ++p_;
    if (!digits()) return error("digits");
  }
  if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
    ++p_;
    if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
    if (!digits()) return error("digits");
  }
  return {};
}

Status JsonCursor::skip_word(std::string_view word) {
  if (std::string_view(p_, static_cast<size_t>(end_ - p_)).substr(0, word.size()) != word)
    return error("a value");
  p_ += word.size();
  return {};
}

Status JsonCursor::skip_scalar() {
  skip_space();
  if (p_ == end_) return error("a value");
  if (*p_ == '"') return skip_string();
  if (*p_ == 't') return skip_word("true");
  if (*p_ == 'f') return skip_word("false");
  if (*p_ == 'n') return skip_word("null");
  if (*p_ == '-' || is_digit(*p_)) return skip_number();
  return error("a value");
}

// A stack of closing brackets instead of recursion.
Status JsonCursor::skip_value() {
  std::array<char, kMaxDepth> closers{};
  int depth = 0;
  for (;;) {
    // A value is due.
    const char closer = consume('{') ? '}' : consume('[') ? ']' : '\0';
    bool value_read = closer == '\0';
    if (closer != '\0') {
      if (depth == kMaxDepth) return error("at most 64 levels");
      closers[static_cast<size_t>(depth++)] = closer;
      if (consume(closer)) {
        --depth;
        value_read = true;
      }
    } else {
      FATHOM_RETURN_IF_ERROR(skip_scalar());
    }
    while (value_read && depth > 0) {
      const char open = closers[static_cast<size_t>(depth - 1)];
      if (consume(',')) break;
      FATHOM_RETURN_IF_ERROR(expect(open));
      --depth;
    }
    if (depth == 0) return {};
    if (closers[static_cast<size_t>(depth - 1)] == '}') {
      FATHOM_RETURN_IF_ERROR(skip_string());
      FATHOM_RETURN_IF_ERROR(expect(':'));
    }
  }
}

}  // namespace fathom
