// SPDX-License-Identifier: MIT
// The heads of calls and parameters, read character by character from right after their word (chat.md 6.3
// and 6.4).
//
// Invariant: a head holds a bounded amount of text and is decided by the character that completes or breaks
// it; a breaking character is not taken. Owned by the parser of one reply.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom {

enum class HeadStep : uint8_t { kMore, kComplete, kBroken };

// After `<｜DSML｜invoke`: optional white space, `name="N">`; N ends at the first `">`, has no line feed and
// at most 256 code points.
class InvokeHead {
 public:
  void reset();
  HeadStep push(char c);
  // Valid after kComplete.
  std::string_view name() const noexcept { return name_; }
  // All that was taken since reset().
  std::string_view taken() const noexcept { return taken_; }

 private:
  HeadStep push_name(char c);

  std::string taken_;
  size_t matched_ = 0;  // characters of `name="` seen; all of them: inside N
  std::string name_;
  int name_code_points_ = 0;
};

// After `<｜DSML｜parameter`: ` name="K"`, optional ` string="true"` or ` string="false"`, `>`. With a flag K
// may hold quotes, as the encoder writes keys without escaping; without one it may not.
class ParameterHead {
 public:
  enum class Flag : uint8_t { kNone, kString, kJson };

  void reset();
  HeadStep push(char c);
  // Valid after kComplete.
  std::string_view name() const noexcept { return name_; }
  Flag flag() const noexcept { return flag_; }
  std::string_view taken() const noexcept { return taken_; }

 private:
  HeadStep complete();

  std::string taken_;
  int code_points_ = 0;
  std::string_view name_;  // into taken_
  Flag flag_ = Flag::kNone;
};

}  // namespace fathom
