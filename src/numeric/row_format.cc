// SPDX-License-Identifier: MIT
#include "numeric/row_format.h"

#include <cstring>

#include "base/check.h"
#include "numeric/block_quant.h"

namespace fathom {
namespace {

int64_t blocks(int64_t count, int64_t block) noexcept { return (count + block - 1) / block; }
int64_t padded(int64_t bytes) noexcept { return (bytes + 3) / 4 * 4; }

}  // namespace

int64_t RowFormat::scale_offset() const noexcept {
  return encoding == RowEncoding::kFp8 ? nope : encoding == RowEncoding::kFp4 ? (dim + 1) / 2 : 0;
}

int64_t RowFormat::rope_offset() const noexcept {
  return encoding == RowEncoding::kFp8 ? padded(nope + blocks(nope, kFp8Block)) : 0;
}

int64_t RowFormat::row_bytes() const noexcept {
  switch (encoding) {
    case RowEncoding::kF32: return dim * 4;
    case RowEncoding::kFp8: return rope_offset() + (dim - nope) * 4;
    case RowEncoding::kFp4: return padded(scale_offset() + blocks(dim, kFp4Block));
  }
  return 0;
}

void pack_row(const RowFormat& format, std::span<const float> row, uint8_t* out) noexcept {
  FATHOM_DCHECK(static_cast<int64_t>(row.size()) == format.dim);
  switch (format.encoding) {
    case RowEncoding::kF32: std::memcpy(out, row.data(), row.size_bytes()); return;
    case RowEncoding::kFp8: {
      const auto nope = static_cast<size_t>(format.nope);
      fp8_quantize(row.first(nope), RowFormat::kFp8Block, out, out + format.scale_offset());
      std::memcpy(out + format.rope_offset(), row.data() + nope, row.subspan(nope).size_bytes());
      return;
    }
    case RowEncoding::kFp4: fp4_quantize(row, RowFormat::kFp4Block, out, out + format.scale_offset()); return;
  }
}

}  // namespace fathom
