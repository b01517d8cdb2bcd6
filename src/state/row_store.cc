// SPDX-License-Identifier: MIT
#include "state/row_store.h"

#include <algorithm>
#include <utility>

namespace fathom {

RowStore::Page RowStore::make_page(MatBuf<uint8_t> rows) {
  auto owner = std::make_shared<MatBuf<uint8_t>>(std::move(rows));
  uint8_t* data = owner->data();
  return {std::move(owner), data};
}

Status RowStore::reserve(int64_t rows) {
  while (static_cast<int64_t>(pages_.size()) * kPageRows < rows) {
    FATHOM_ASSIGN_OR_RETURN(auto page, MatBuf<uint8_t>::allocate(kPageRows, row_bytes_));
    pages_.push_back(make_page(std::move(page)));
  }
  return Status();
}

void RowStore::grow(int64_t rows) noexcept {
  FATHOM_CHECK(rows >= size_ && rows <= static_cast<int64_t>(pages_.size()) * kPageRows);
  FATHOM_DCHECK(rows == size_ || !pages_[size_ / kPageRows].shared());
  size_ = rows;
}

void RowStore::clear() noexcept {
  size_ = 0;
  std::erase_if(pages_, [](const Page& page) { return page.shared(); });
}

Result<RowStore> RowStore::fork() const {
  RowStore copy(format_);
  const auto full = static_cast<ptrdiff_t>(size_ / kPageRows);
  copy.pages_.assign(pages_.begin(), pages_.begin() + full);
  if (size_ % kPageRows != 0) {
    FATHOM_ASSIGN_OR_RETURN(auto open, pages_[full].owner->clone());
    copy.pages_.push_back(make_page(std::move(open)));
  }
  copy.size_ = size_;
  return copy;
}

Status RowStore::own_pages_from(int64_t rows) {
  for (auto page = static_cast<size_t>(rows / kPageRows); page < pages_.size(); ++page) {
    if (!pages_[page].shared()) continue;
    FATHOM_ASSIGN_OR_RETURN(auto copy, pages_[page].owner->clone());
    pages_[page] = make_page(std::move(copy));
  }
  return Status();
}

void RowStore::cut(int64_t rows) noexcept {
  FATHOM_CHECK(rows >= 0 && rows <= size_);
  size_ = rows;
}

int64_t RowStore::reserved_bytes() const noexcept {
  return static_cast<int64_t>(pages_.size()) * kPageRows * row_bytes_;
}

}  // namespace fathom
