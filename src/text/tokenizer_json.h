// SPDX-License-Identifier: MIT
// Reads a tokenizer.json into the parts of a Tokenizer (chat.md 1). Whatever would change ids and has no
// mechanism here is refused by the name of its field; a file that contradicts itself is corrupt
// (reliability.md F-5).
//
// Pure function, any thread.
#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/added_token_set.h"
#include "text/pair_table.h"
#include "text/token_table.h"

namespace fathom {

struct TokenizerParts {
  TokenTable tokens;
  std::vector<Merge> merges;  // by rank; meets the requirements of Bpe
  // Texts are cut out of the input in two passes: first the tokens with "normalized": false, then, of what is
  // left, the others. A text is in one of the sets only.
  AddedTokenSet literal;
  AddedTokenSet normalized;
};

Result<TokenizerParts> read_tokenizer_json(std::string_view json_text);

}  // namespace fathom
