// SPDX-License-Identifier: MIT
// RowStore: rows that are only appended, in pages of 32, so a row never moves (design.md 5).
//
// Invariant: row(i) exists for i < size(). Owned by SequenceState; written by the engine thread, read by the
// pool.
#pragma once

#include <cstdint>
#include <vector>

#include "base/buffer.h"

namespace fathom {

class RowStore {
 public:
  static constexpr int64_t kPageRows = 32;

  RowStore() = default;
  explicit RowStore(int64_t row_floats) : row_floats_(row_floats) {}

  int64_t size() const noexcept { return size_; }
  int64_t row_floats() const noexcept { return row_floats_; }
  // Takes memory for rows [0, rows), so that growing to them allocates nothing. kResourceExhausted without
  // memory.
  Status reserve(int64_t rows);
  // Makes rows [size(), rows) exist; they must have been reserved. Their contents are the caller's to write.
  void grow(int64_t rows) noexcept;
  void clear() noexcept { size_ = 0; }

  float* row(int64_t i) noexcept { return pages_[i / kPageRows].data() + i % kPageRows * row_floats_; }
  const float* row(int64_t i) const noexcept {
    return pages_[i / kPageRows].data() + i % kPageRows * row_floats_;
  }
  int64_t reserved_bytes() const noexcept;

 private:
  int64_t row_floats_ = 0;
  int64_t size_ = 0;
  std::vector<MatBuf<float>> pages_;  // each [kPageRows, row_floats]
};

}  // namespace fathom
