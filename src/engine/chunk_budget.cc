// SPDX-License-Identifier: MIT
#include "engine/chunk_budget.h"

#include <algorithm>

namespace fathom {
namespace {

// The first mixed step, when nothing is known.
constexpr int64_t kFirstRows = 16;
// Aimed at, so that a step somewhat slower than expected still keeps the bound.
constexpr double kAim = 0.8;
// A slower row counts at once, a faster one little by little: one lucky step must not cause a late one.
constexpr double kFaster = 0.3;
constexpr double kDecodeShare = 0.2;

}  // namespace

int64_t ChunkBudget::prefill_rows(int64_t decode_rows) const noexcept {
  const int64_t room = batch_tokens_ - decode_rows;
  if (decode_rows == 0 || room <= 0) return std::max<int64_t>(0, room);
  if (row_seconds_ == 0.0) return std::min(room, kFirstRows);
  const double left = kAim * step_seconds_ - decode_seconds_;
  const double rows = std::clamp(left / row_seconds_, 1.0, static_cast<double>(room));
  // Costs per row found in a large batch do not hold in a small one, so growth is gradual.
  const int64_t grown = std::max(kFirstRows, 2 * last_rows_);
  return std::min(static_cast<int64_t>(rows), std::min(room, grown));
}

void ChunkBudget::measured(int64_t decode_rows, int64_t prefill_rows, double seconds) noexcept {
  if (prefill_rows == 0) {
    decode_seconds_ =
        decode_seconds_ == 0.0 ? seconds : decode_seconds_ + kDecodeShare * (seconds - decode_seconds_);
    return;
  }
  if (decode_rows > 0) last_rows_ = prefill_rows;
  const double share = decode_rows > 0 ? std::max(0.1 * seconds, seconds - decode_seconds_) : seconds;
  const double row = share / static_cast<double>(prefill_rows);
  row_seconds_ = row > row_seconds_ ? row : row_seconds_ + kFaster * (row - row_seconds_);
}

}  // namespace fathom
