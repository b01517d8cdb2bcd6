// SPDX-License-Identifier: MIT
// How the rows of a sequence's state are stored (design.md 5; architecture.md 9). A row that went through its
// round trip packs without loss, so unpacking gives the very values that were computed.
//
//   kF32     dim f32
//   kFp8     nope e4m3 codes, one ue8m0 byte per 64 of them, padding to 4 bytes, dim - nope f32 (the rotated
//   channels) kFp4     dim / 2 bytes of e2m1, one ue8m0 byte per 32 of them, padding to 4 bytes
//
// Pure data and functions; any thread.
#pragma once

#include <cstdint>
#include <span>

namespace fathom {

enum class RowEncoding : uint8_t { kF32, kFp8, kFp4 };

struct RowFormat {
  static constexpr int64_t kFp8Block = 64;
  static constexpr int64_t kFp4Block = 32;

  RowEncoding encoding = RowEncoding::kF32;
  int64_t dim = 0;
  int64_t nope = 0;  // kFp8: channels stored as e4m3

  // Bytes from the start of a row to its scales, to its f32 part, and to the next row.
  int64_t scale_offset() const noexcept;
  int64_t rope_offset() const noexcept;
  int64_t row_bytes() const noexcept;
};

// row [dim] -> out [row_bytes()]. Exact for rows that are fixed points of the format's round trip.
void pack_row(const RowFormat& format, std::span<const float> row, uint8_t* out) noexcept;

}  // namespace fathom
