// SPDX-License-Identifier: MIT
// Any bytes in any cuts: streamed text is well-formed and equals the whole decode. A byte of the input gives
// the length of the next part in its low 3 bits.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "text/stream_decoder.h"
#include "text/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string whole;
  std::string streamed;
  fathom::StreamDecoder decoder;
  for (size_t at = 0; at < size;) {
    const size_t length = std::min<size_t>(data[at] & 7, size - at - 1);
    const std::string_view part(reinterpret_cast<const char*>(data) + at + 1, length);
    at += 1 + length;
    whole += part;
    const std::string text = decoder.push(part);
    FATHOM_CHECK(fathom::is_well_formed_utf8(text));
    streamed += text;
  }
  streamed += decoder.flush();
  FATHOM_CHECK(streamed == fathom::to_well_formed(whole));
  return 0;
}
