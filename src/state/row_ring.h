// SPDX-License-Identifier: MIT
// RowRing: the last `capacity` rows of a sequence, addressed by absolute position (design.md 5).
//
// Used for window rows and for the raw rows of compressor blocks that are not finished. Invariant: row(p)
// holds position p for the last `capacity` positions written. Owned by SequenceState.
#pragma once

#include <cstdint>

#include "base/buffer.h"

namespace fathom {

class RowRing {
 public:
  RowRing() = default;
  static Result<RowRing> create(int64_t capacity, int64_t row_floats) {
    RowRing ring;
    FATHOM_ASSIGN_OR_RETURN(ring.rows_, MatBuf<float>::allocate(capacity, row_floats));
    return ring;
  }

  int64_t capacity() const noexcept { return rows_.rows(); }
  int64_t row_floats() const noexcept { return rows_.cols(); }
  float* row(int64_t position) noexcept { return rows_.data() + position % rows_.rows() * rows_.cols(); }
  const float* row(int64_t position) const noexcept {
    return rows_.data() + position % rows_.rows() * rows_.cols();
  }
  int64_t bytes() const noexcept { return static_cast<int64_t>(rows_.size_bytes()); }

 private:
  MatBuf<float> rows_;
};

}  // namespace fathom
