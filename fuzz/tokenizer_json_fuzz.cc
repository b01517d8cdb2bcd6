// SPDX-License-Identifier: MIT
// Any bytes as a tokenizer.json: refused with a message, or a tokenizer that gives text back.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using fathom::Tokenizer;
  const auto tokenizer = Tokenizer::from_json({reinterpret_cast<const char*>(data), size});
  if (!tokenizer.ok()) {
    FATHOM_CHECK(tokenizer.status().message().starts_with("tokenizer.json: "));
    return 0;
  }
  const std::string_view text = "abcab <s><t> aaa 12345 \xE4\xB8\xAD\xE6\x96\x87\n\n!abc";
  for (const auto special : {Tokenizer::Special::kOff, Tokenizer::Special::kOn}) {
    const auto ids = tokenizer->encode(text, special);
    FATHOM_CHECK(tokenizer->decode_bytes(ids) == text);
  }
  return 0;
}
