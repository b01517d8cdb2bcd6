// SPDX-License-Identifier: MIT
#include "ops/unpack_row.h"

#include <cstring>

#include "base/check.h"
#include "kernels/dispatch.h"

namespace fathom {

void unpack_row(const RowFormat& format, const uint8_t* bytes, std::span<float> out) noexcept {
  FATHOM_DCHECK(static_cast<int64_t>(out.size()) == format.dim);
  const uint8_t* scales = bytes + format.scale_offset();
  switch (format.encoding) {
    case RowEncoding::kF32: std::memcpy(out.data(), bytes, out.size_bytes()); return;
    case RowEncoding::kFp8:
      kernels().decode->fp8(bytes, scales, format.nope, RowFormat::kFp8Block, out.data());
      std::memcpy(out.data() + format.nope, bytes + format.rope_offset(),
                  static_cast<size_t>(format.dim - format.nope) * sizeof(float));
      return;
    case RowEncoding::kFp4: kernels().decode->fp4(bytes, scales, format.dim, out.data()); return;
  }
}

void prefetch_row(const RowFormat& format, const uint8_t* bytes) noexcept {
  constexpr int64_t kCacheLine = 64;
  const int64_t row_bytes = format.row_bytes();
  for (int64_t i = 0; i < row_bytes; i += kCacheLine) __builtin_prefetch(bytes + i);
  // The row need not begin with a line.
  __builtin_prefetch(bytes + row_bytes - 1);
}

}  // namespace fathom
