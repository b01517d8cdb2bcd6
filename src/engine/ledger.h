// SPDX-License-Identifier: MIT
// Ledger: the memory that sequence states may take, in bytes that add up exactly (design.md 9).
//
// Invariant: 0 <= used <= capacity. A request holds one Reservation from admission to its end. Engine thread
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/check.h"

namespace fathom {

class Ledger {
 public:
  // Gives its bytes back when it dies.
  class Reservation {
   public:
    Reservation(Reservation&& other) noexcept
        : ledger_(other.ledger_), bytes_(std::exchange(other.bytes_, 0)) {}
    Reservation& operator=(Reservation&& other) noexcept {
      std::swap(ledger_, other.ledger_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Reservation() { ledger_->used_ -= bytes_; }

    int64_t bytes() const noexcept { return bytes_; }

   private:
    friend class Ledger;
    Reservation(Ledger& ledger, int64_t bytes) noexcept : ledger_(&ledger), bytes_(bytes) {}

    Ledger* ledger_;
    int64_t bytes_;
  };

  explicit Ledger(int64_t capacity) noexcept : capacity_(capacity) {}
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  ~Ledger() { FATHOM_CHECK(used_ == 0); }

  // Nothing when there is no room now.
  std::optional<Reservation> reserve(int64_t bytes) noexcept {
    FATHOM_CHECK(bytes >= 0);
    if (bytes > capacity_ - used_) return std::nullopt;
    used_ += bytes;
    return Reservation(*this, bytes);
  }

  int64_t capacity() const noexcept { return capacity_; }
  int64_t used() const noexcept { return used_; }

 private:
  int64_t capacity_;
  int64_t used_ = 0;
};

}  // namespace fathom
