// SPDX-License-Identifier: MIT
// MatBuf: an owned, 64-byte aligned, zero-initialised matrix; the only source of large memory (design.md 17).
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "base/checked_math.h"
#include "base/concat.h"
#include "base/status.h"
#include "base/view.h"

namespace fathom {

// Frees what MatBuf::allocate took.
struct AlignedDelete {
  void operator()(void* p) const noexcept { ::operator delete(p, std::align_val_t{64}); }
};

template <typename T>
class MatBuf {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  MatBuf() = default;

  // rows x cols zeros; kResourceExhausted when the system has not that much or the product does not fit.
  static Result<MatBuf> allocate(int64_t rows, int64_t cols) {
    FATHOM_CHECK(rows >= 0 && cols >= 0);
    const auto count = checked_mul(static_cast<uint64_t>(rows), static_cast<uint64_t>(cols));
    const auto bytes = count ? checked_mul(*count, sizeof(T)) : std::nullopt;
    void* p = nullptr;
    if (bytes && *bytes <= static_cast<uint64_t>(PTRDIFF_MAX)) {
      p = ::operator new(static_cast<size_t>(*bytes), std::align_val_t{64}, std::nothrow);
    }
    if (p == nullptr) {
      return Status(StatusCode::kResourceExhausted,
                    concat("memory: no room for ", rows, " x ", cols, " elements of ", sizeof(T), " bytes"));
    }
    std::memset(p, 0, static_cast<size_t>(*bytes));
    MatBuf buf;
    buf.data_.reset(static_cast<T*>(p));
    buf.rows_ = rows;
    buf.cols_ = cols;
    return buf;
  }

  // A copy; kResourceExhausted without memory.
  Result<MatBuf> clone() const {
    FATHOM_ASSIGN_OR_RETURN(MatBuf copy, allocate(rows_, cols_));
    if (size_bytes() > 0) std::memcpy(copy.data(), data(), size_bytes());
    return copy;
  }

  int64_t rows() const noexcept { return rows_; }
  int64_t cols() const noexcept { return cols_; }
  size_t size_bytes() const noexcept { return static_cast<size_t>(rows_ * cols_) * sizeof(T); }
  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  MatView<T> view() noexcept { return {data_.get(), rows_, cols_}; }
  MatView<const T> view() const noexcept { return {data_.get(), rows_, cols_}; }

 private:
  std::unique_ptr<T, AlignedDelete> data_;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
};

}  // namespace fathom
