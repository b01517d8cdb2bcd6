// SPDX-License-Identifier: MIT
// Walks the JSON header of a safetensors file, one tensor at a time, in constant memory (reliability.md F-1).
// Checks everything that one entry can show by itself; what several show together is SafetensorsFile's part.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "io/json_cursor.h"
#include "weights/dtype.h"

namespace fathom {

// The largest rank that any writer produces is far below this.
inline constexpr size_t kMaxHeaderRank = 32;

struct HeaderEntry {
  std::string_view name;    // valid until the next entry
  size_t key_position = 0;  // of the name's quote in the header
  Dtype dtype = Dtype::kU8;
  size_t rank = 0;
  std::array<int64_t, kMaxHeaderRank> dims{};
  uint64_t begin = 0;  // relative to the data part
  uint64_t end = 0;

  std::span<const int64_t> shape() const noexcept { return {dims.data(), rank}; }
};

class HeaderWalker {
 public:
  explicit HeaderWalker(std::string_view header) noexcept : cursor_(header) {}

  // Advances to the next tensor: true and entry() is filled, or false at the end of a well-formed header.
  Result<bool> next();
  const HeaderEntry& entry() const noexcept { return entry_; }

 private:
  Result<bool> next_key();
  Status read_metadata();
  Status read_entry();
  Status read_member(std::string_view key);
  Status read_dtype();
  Status read_shape();
  Status read_offsets();
  Status check_size() const;

  JsonCursor cursor_;
  HeaderEntry entry_;
  std::string name_scratch_;
  std::string text_scratch_;
  bool started_ = false;
  bool metadata_read_ = false;
  uint8_t members_read_ = 0;  // bits: dtype, shape, data_offsets
};

// "tensor NAME" with control characters and excess length removed, for messages.
std::string shown_tensor(std::string_view name);

}  // namespace fathom
