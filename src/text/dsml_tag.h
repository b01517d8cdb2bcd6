// SPDX-License-Identifier: MIT
// What may be a tag inside a tool block: `<`, `/`, the marker, a word; each but the first optional
// (chat.md 6.4).
//
// Invariant: holds at most `</`, one marker and kMaxTagWord characters. Owned by the parser of one reply.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom {

class TagScanner {
 public:
  enum class Tag : uint8_t {
    kNone,  // ordinary text
    kInvokeOpen,
    kInvokeClose,
    kParameterOpen,
    kParameterClose,
    kWrapperOpen,
    kWrapperClose,
  };

  bool active() const noexcept { return !held_.empty(); }
  // After a '<'.
  void start();
  // Takes the character if a tag can go on with it; false when the tag has ended before it.
  bool push(char c);
  // The same for the DSML marker.
  bool push_marker(std::string_view spelling);

  // Which tag it is, given the character after it. An opening invoke or parameter is one whatever follows,
  // the others only before '>'.
  Tag tag_before(char next) const noexcept;

  // The text held; inactive afterwards.
  std::string release();

 private:
  std::string_view word() const noexcept { return std::string_view(held_).substr(word_begin_); }

  std::string held_;
  size_t word_begin_ = 0;
  bool closing_ = false;
  bool marked_ = false;
};

}  // namespace fathom
