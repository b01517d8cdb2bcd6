// SPDX-License-Identifier: MIT
// RowRing: the last `capacity` rows of a sequence, addressed by absolute position (design.md 5).
//
// Used for window rows and for the raw rows of compressor blocks that are not finished. Invariant: row(p)
// holds position p for the last `capacity` positions written. Owned by SequenceState.
#pragma once

#include <cstdint>

#include "base/buffer.h"
#include "numeric/row_format.h"

namespace fathom {

class RowRing {
 public:
  RowRing() = default;
  static Result<RowRing> create(int64_t capacity, const RowFormat& format) {
    RowRing ring;
    ring.format_ = format;
    FATHOM_ASSIGN_OR_RETURN(ring.rows_, MatBuf<uint8_t>::allocate(capacity, format.row_bytes()));
    return ring;
  }
  // Rows of plain f32.
  static Result<RowRing> create(int64_t capacity, int64_t row_floats) {
    return create(capacity, RowFormat{.dim = row_floats});
  }

  Result<RowRing> clone() const {
    RowRing copy;
    copy.format_ = format_;
    FATHOM_ASSIGN_OR_RETURN(copy.rows_, rows_.clone());
    return copy;
  }

  int64_t capacity() const noexcept { return rows_.rows(); }
  const RowFormat& format() const noexcept { return format_; }
  // Elements of a row, however they are stored.
  int64_t row_floats() const noexcept { return format_.dim; }
  uint8_t* bytes(int64_t position) noexcept { return rows_.data() + position % rows_.rows() * rows_.cols(); }
  const uint8_t* bytes(int64_t position) const noexcept {
    return rows_.data() + position % rows_.rows() * rows_.cols();
  }
  int64_t row_bytes() const noexcept { return rows_.cols(); }
  // A row of plain f32; requires that encoding.
  float* row(int64_t position) noexcept { return reinterpret_cast<float*>(bytes(position)); }
  const float* row(int64_t position) const noexcept {
    return reinterpret_cast<const float*>(bytes(position));
  }
  int64_t size_bytes() const noexcept { return static_cast<int64_t>(rows_.size_bytes()); }

 private:
  RowFormat format_;
  MatBuf<uint8_t> rows_;
};

}  // namespace fathom
