// SPDX-License-Identifier: MIT
// Rows of the sequence state as f32 (design.md 5).
#pragma once

#include <cstdint>
#include <span>

#include "numeric/row_format.h"

namespace fathom {

// bytes [format.row_bytes()] -> out [format.dim], exactly what pack_row was given (a zero of kFp4 loses its
// sign).
void unpack_row(const RowFormat& format, const uint8_t* bytes, std::span<float> out) noexcept;

// Asks for the row's memory, so that unpack_row need not wait for it.
void prefetch_row(const RowFormat& format, const uint8_t* bytes) noexcept;

}  // namespace fathom
