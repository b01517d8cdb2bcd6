// SPDX-License-Identifier: MIT
// concat("a", 1, 2.5): one string from pieces, for messages. Numbers print as std::to_chars prints them.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace fathom {

// A view of one argument of concat; numbers are written into its own buffer.
class ConcatPiece {
 public:
  ConcatPiece(std::string_view text) : text_(text) {}          // NOLINT(google-explicit-constructor)
  ConcatPiece(const char* text) : text_(text) {}               // NOLINT(google-explicit-constructor)
  ConcatPiece(const std::string& text) : text_(text) {}        // NOLINT(google-explicit-constructor)
  ConcatPiece(char c) : text_(digits_, 1) { digits_[0] = c; }  // NOLINT(google-explicit-constructor)
  template <typename N>
    requires(std::integral<N> || std::floating_point<N>)
  ConcatPiece(N number) {  // NOLINT(google-explicit-constructor)
    if constexpr (std::same_as<N, bool>) {
      text_ = number ? "true" : "false";
    } else {
      const auto end = std::to_chars(digits_, digits_ + sizeof digits_, number);
      text_ = std::string_view(digits_, static_cast<size_t>(end.ptr - digits_));
    }
  }
  ConcatPiece(const ConcatPiece&) = delete;
  ConcatPiece& operator=(const ConcatPiece&) = delete;

  std::string_view text() const noexcept { return text_; }

 private:
  char digits_[32];
  std::string_view text_;
};

namespace concat_detail {
inline void append_all(std::string& out, std::initializer_list<std::string_view> pieces) {
  size_t size = out.size();
  for (std::string_view piece : pieces) size += piece.size();
  out.reserve(size);
  for (std::string_view piece : pieces) out.append(piece);
}
}  // namespace concat_detail

template <typename... Args>
std::string concat(const Args&... args) {
  std::string out;
  concat_detail::append_all(out, {ConcatPiece(args).text()...});
  return out;
}

}  // namespace fathom
