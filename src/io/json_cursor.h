// SPDX-License-Identifier: MIT
// JsonCursor: reads a JSON text of known form front to back without building values (reliability.md F-1,
// F-6). For large machine-made files (safetensors headers, shard indices) that a value tree would triple in
// memory.
//
// Strict: UTF-8, RFC 8259, no lone surrogate escapes. Errors are kCorrupt "byte N: expected X, found Y". One
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace fathom {

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) noexcept
      : text_(text), p_(text.data()), end_(p_ + text.size()) {}

  size_t position() const noexcept { return static_cast<size_t>(p_ - text_.data()); }
  void seek(size_t position) noexcept { p_ = text_.data() + position; }

  // All of these skip white space first.
  // True: `c` was next and has been read.
  bool consume(char c) noexcept {
    if (p_ != end_ && static_cast<unsigned char>(*p_) <= ' ') skip_space();
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }
  bool at_end() noexcept;
  Status expect(char c) { return consume(c) ? Status() : error_at(c); }
  // A string's value: a view into the text, or into `scratch` when the string holds escapes.
  Result<std::string_view> read_string(std::string& scratch);
  // An integer without sign, fraction, exponent or leading zero; below 2^64.
  Result<uint64_t> read_unsigned();
  // Checks and skips one string, or one value of any kind up to 64 levels deep.
  Status skip_string();
  Status skip_value();

  // The error for what stands at the cursor.
  Status error(std::string_view expected) const;

 private:
  void skip_space() noexcept;
  Status error_at(char expected) const;
  Status open_string();
  bool skip_plain() noexcept;
  Result<uint32_t> read_escape();
  Result<uint32_t> read_hex4();
  Status skip_number();
  Status skip_scalar();
  Status skip_word(std::string_view word);
  Status next_string_part(std::string* out);

  std::string_view text_;
  const char* p_;
  const char* end_;
};

}  // namespace fathom
