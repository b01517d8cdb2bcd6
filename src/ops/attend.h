// SPDX-License-Identifier: MIT
// Attention of one token with a running softmax over shared key-value rows, and pooling of compressor rows
// (architecture.md 3, 4). The caller gives rows in canonical blocks, so the result does not depend on
// chunking (design.md 10.2).
#pragma once

#include <cstdint>
#include <span>

namespace fathom {

// Rows per attention block: window blocks are aligned to absolute position, entry blocks to rank.
inline constexpr int kAttendBlock = 32;

// One token's attention in progress; views of the caller's buffers.
struct AttendState {
  std::span<const float> q;      // [heads * dim]
  std::span<float> running_max;  // [heads]
  std::span<float> running_sum;  // [heads]
  std::span<float> out;          // [heads * dim]
  float scale = 0.0F;            // on q . k
};

// Begins with the sink as the only member of the denominator: it has a weight and no value.
void attend_begin(AttendState state, std::span<const float> attn_sink) noexcept;
// Adds up to kAttendBlock rows [dim].
void attend_rows(AttendState state, std::span<const float* const> rows) noexcept;
// Divides by the denominator.
void attend_finish(AttendState state) noexcept;

// out [dim] = per channel, the softmax over z_rows weights of c_rows. As many c as z rows, at least one.
void pool_rows(std::span<const float* const> c_rows, std::span<const float* const> z_rows,
               std::span<float> out) noexcept;

}  // namespace fathom
