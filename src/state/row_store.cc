// SPDX-License-Identifier: MIT
#include "state/row_store.h"

namespace fathom {

Status RowStore::reserve(int64_t rows) {
  while (static_cast<int64_t>(pages_.size()) * kPageRows < rows) {
    FATHOM_ASSIGN_OR_RETURN(auto page, MatBuf<uint8_t>::allocate(kPageRows, row_bytes_));
    pages_.push_back(std::move(page));
  }
  return Status();
}

void RowStore::grow(int64_t rows) noexcept {
  FATHOM_CHECK(rows >= size_ && rows <= static_cast<int64_t>(pages_.size()) * kPageRows);
  size_ = rows;
}

int64_t RowStore::reserved_bytes() const noexcept {
  return static_cast<int64_t>(pages_.size()) * kPageRows * row_bytes_;
}

}  // namespace fathom
