// SPDX-License-Identifier: MIT
// RowStore: rows that are only appended, in pages of 32, so a row never moves (design.md 5).
//
// Invariants: row(i) exists for i < size(); pages with room for further rows belong to this store alone, full
// ones may be shared with forks and are never written. Owned by SequenceState; written by the engine thread,
// read by the pool.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/buffer.h"
#include "numeric/row_format.h"

namespace fathom {

class RowStore {
 public:
  static constexpr int64_t kPageRows = 32;

  RowStore() = default;
  explicit RowStore(const RowFormat& format) : format_(format), row_bytes_(format.row_bytes()) {}
  // Rows of plain f32.
  explicit RowStore(int64_t row_floats) : RowStore(RowFormat{.dim = row_floats}) {}

  int64_t size() const noexcept { return size_; }
  const RowFormat& format() const noexcept { return format_; }
  // Elements of a row, however they are stored.
  int64_t row_floats() const noexcept { return format_.dim; }
  int64_t row_bytes() const noexcept { return row_bytes_; }
  // Takes memory for rows [0, rows), so that growing to them allocates nothing. kResourceExhausted without
  // memory.
  Status reserve(int64_t rows);
  // Makes rows [size(), rows) exist; they must have been reserved. Their contents are the caller's to write.
  void grow(int64_t rows) noexcept;
  // Forgets all rows. Pages that a fork still uses are left to it, with their reservation.
  void clear() noexcept;

  // A store with the same rows; full pages are shared, the open one is copied. Nothing else is reserved.
  Result<RowStore> fork() const;
  // Makes the pages of rows [rows, ...) this store's own, so that it may be cut back to `rows` and grow
  // again.
  Status own_pages_from(int64_t rows);
  // Forgets rows [rows, size()); requires own_pages_from(rows).
  void cut(int64_t rows) noexcept;

  uint8_t* bytes(int64_t i) noexcept { return pages_[i / kPageRows].data + i % kPageRows * row_bytes_; }
  const uint8_t* bytes(int64_t i) const noexcept {
    return pages_[i / kPageRows].data + i % kPageRows * row_bytes_;
  }
  // A row of plain f32; requires that encoding.
  float* row(int64_t i) noexcept { return reinterpret_cast<float*>(bytes(i)); }
  const float* row(int64_t i) const noexcept { return reinterpret_cast<const float*>(bytes(i)); }
  int64_t reserved_bytes() const noexcept;

 private:
  // [kPageRows, row_bytes]; `data` saves the way through the owner.
  struct Page {
    std::shared_ptr<MatBuf<uint8_t>> owner;
    uint8_t* data = nullptr;

    bool shared() const noexcept { return owner.use_count() > 1; }
  };
  static Page make_page(MatBuf<uint8_t> rows);

  RowFormat format_;
  int64_t row_bytes_ = 0;
  int64_t size_ = 0;
  std::vector<Page> pages_;
};

}  // namespace fathom
