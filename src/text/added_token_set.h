// SPDX-License-Identifier: MIT
// AddedTokenSet: finds added tokens in text, leftmost and of those the longest (chat.md 1, step 2).
//
// Invariant after finish(): texts are sorted and differ. Filled by the loader, then immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace fathom {

class AddedTokenSet {
 public:
  struct Match {
    size_t begin = 0;  // [begin, end) of the text
    size_t end = 0;
    int32_t id = 0;
  };

  // Bounds the cost per byte of a search in hostile text; the longest of V4 has 48 bytes.
  static constexpr size_t kMaxBytes = 256;

  // Requires 1 to kMaxBytes bytes.
  void add(std::string_view text, int32_t id);
  // To be called once, after the last add. An error when a text occurs twice.
  Status finish();

  std::optional<int32_t> find(std::string_view text) const noexcept;
  // The first match that begins at or behind `from`.
  std::optional<Match> next(std::string_view text, size_t from) const noexcept;

 private:
  struct Entry {
    std::string text;
    int32_t id = 0;
  };
  // The longest entry that `text` begins with, or null.
  const Entry* longest_prefix(std::string_view text) const noexcept;

  std::vector<Entry> entries_;             // by text
  std::array<bool, 256> is_first_byte_{};  // of some entry
};

}  // namespace fathom
