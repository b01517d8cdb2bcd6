// SPDX-License-Identifier: MIT
#include "io/zstd.h"

#include <zstd.h>

#include <memory>

#include "base/concat.h"

namespace fathom {
namespace {

struct StreamFree {
  void operator()(ZSTD_DStream* stream) const noexcept { ZSTD_freeDStream(stream); }
};

}  // namespace

Result<std::string> decompress_zstd(std::span<const std::byte> compressed, int64_t max_bytes) {
  const std::unique_ptr<ZSTD_DStream, StreamFree> stream(ZSTD_createDStream());
  if (stream == nullptr) return Status(StatusCode::kResourceExhausted, "zstd: no memory for its tables");
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  std::string out;
  std::string block(ZSTD_DStreamOutSize(), '\0');
  size_t wanted = 1;  // 0 once a frame is complete
  while (in.pos < in.size || wanted != 0) {
    const size_t before = in.pos;
    ZSTD_outBuffer produced{block.data(), block.size(), 0};
    wanted = ZSTD_decompressStream(stream.get(), &produced, &in);
    if (ZSTD_isError(wanted) != 0) {
      return Status(
          StatusCode::kCorrupt,
          concat("zstd: byte ", in.pos, ": expected a valid frame, found: ", ZSTD_getErrorName(wanted)));
    }
    if (produced.pos == 0 && in.pos == before && in.pos == in.size) {
      return Status(StatusCode::kCorrupt,
                    concat("zstd: byte ", in.size, ": expected the rest of a frame, found the end"));
    }
    if (static_cast<int64_t>(out.size() + produced.pos) > max_bytes) {
      return Status(StatusCode::kResourceExhausted,
                    concat("zstd: expected at most ", max_bytes, " bytes of content, found more"));
    }
    out.append(block.data(), produced.pos);
  }
  return out;
}

}  // namespace fathom
