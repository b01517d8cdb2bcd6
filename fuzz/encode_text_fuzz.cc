// SPDX-License-Identifier: MIT
// Any bytes as text for a toy tokenizer, whose short merges make long tokens: decoding gives the text back,
// and without specials no added token comes out.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "tests/support/toy_tokenizer.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace {

const fathom::Tokenizer& toy() {
  static const fathom::Tokenizer tokenizer =
      std::move(fathom::Tokenizer::from_json(fathom::test::toy_tokenizer_json({{"a", "a"},
                                                                               {"aa", "a"},
                                                                               {"b", "c"},
                                                                               {"aa", "aa"},
                                                                               {"a", "b"},
                                                                               {"ab", "c"},
                                                                               {"!", "a"},
                                                                               {"1", "1"}},
                                                                              {"<s>", "<t>", "<s", "a<s>a"})))
          .value();
  return tokenizer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using fathom::Tokenizer;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string text = fathom::to_well_formed(bytes);
  const auto plain = toy().encode(bytes, Tokenizer::Special::kOff);
  for (const int32_t id : plain) FATHOM_CHECK(!toy().is_added(id));
  FATHOM_CHECK(toy().decode_bytes(plain) == text);
  FATHOM_CHECK(toy().decode_bytes(toy().encode(bytes, Tokenizer::Special::kOn)) == text);
  return 0;
}
